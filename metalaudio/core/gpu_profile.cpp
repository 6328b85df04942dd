#include <metalaudio/core/gpu_profile.h>
#include <metalaudio/core/memory_pressure_monitor.h>

#include <limits>

namespace metalaudio {

namespace {

constexpr double kFairMargin = 10.0;
constexpr double kCriticalMargin = 5.0;
constexpr double kScarceShare = 0.1;
constexpr double kNoneShare = 0.02;
constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

}  // namespace

ThermalState GpuState::thermal_state() const noexcept {
  if (celsius && shutdown_celsius && *celsius >= *shutdown_celsius - kCriticalMargin) {
    return ThermalState::critical;
  }
  if (slowed_by_heat) return ThermalState::serious;
  if (!celsius || !slowdown_celsius || *celsius < *slowdown_celsius - kFairMargin) {
    return ThermalState::nominal;
  }
  return *celsius < *slowdown_celsius ? ThermalState::fair : ThermalState::serious;
}

GpuConditions conditions_of(const HardwareProfile& machine, const GpuState& gpu,
                            std::size_t gpu_memory_bytes) noexcept {
  GpuConditions conditions;
  conditions.gpu_heat = gpu.thermal_state();
  conditions.power_saving = gpu.slowed_by_power || machine.power_source == PowerSource::battery;
  conditions.host_memory_short =
      machine.memory_pressure &&
      machine.memory_pressure->some_percent >= PressureThresholds{}.warning_some_percent;
  if (gpu.free_memory_bytes && gpu_memory_bytes > 0) {
    conditions.free_memory_share =
        static_cast<double>(*gpu.free_memory_bytes) / static_cast<double>(gpu_memory_bytes);
  }
  return conditions;
}

std::size_t gpu_threshold(std::size_t measured, const GpuConditions& conditions) noexcept {
  if (conditions.gpu_heat == ThermalState::critical || conditions.free_memory_share < kNoneShare) {
    return kNever;
  }
  std::size_t factor = 1;
  if (conditions.gpu_heat == ThermalState::fair) factor *= 2;
  if (conditions.gpu_heat == ThermalState::serious) factor *= 4;
  if (conditions.power_saving) factor *= 2;
  if (conditions.free_memory_share < kScarceShare || conditions.host_memory_short) factor *= 2;
  return measured > kNever / factor ? kNever : measured * factor;
}

}  // namespace metalaudio
