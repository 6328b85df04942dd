#pragma once

#include <metalaudio/core/device_properties.h>
#include <metalaudio/core/hardware_profile.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace metalaudio {

/// How a GPU is at the time of asking. What its driver does not say is missing.
struct GpuState {
  std::optional<std::size_t> free_memory_bytes{};
  std::optional<int> clock_mhz{};         ///< of its multiprocessors, now
  std::optional<int> memory_clock_mhz{};  ///< now
  std::optional<double> celsius{};
  std::optional<double> slowdown_celsius{};  ///< where it begins to slow itself down
  std::optional<double> shutdown_celsius{};
  bool slowed_by_heat = false;   ///< now, whatever the thermometer says
  bool slowed_by_power = false;  ///< by its power supply, or by a cap on what it draws

  /// Serious where heat slows it or the slowdown point is reached, critical within 5 °C of where it
  /// switches off, fair within 10 °C of the slowdown point.
  ThermalState thermal_state() const noexcept;
};

/// What moves the size from which on a GPU pays.
struct GpuConditions {
  ThermalState gpu_heat = ThermalState::nominal;
  bool power_saving = false;  ///< the machine runs on its battery, or the GPU is slowed for power
  bool host_memory_short = false;  ///< tasks of the machine wait for memory
  double free_memory_share = 1;    ///< of the GPU's
};

GpuConditions conditions_of(const HardwareProfile& machine, const GpuState& gpu,
                            std::size_t gpu_memory_bytes) noexcept;

/// The threshold that was measured on an idle, cool machine, under these conditions: twice it where
/// the GPU is fairly hot, where power is saved and where memory is short (the machine's, or less than
/// a tenth of the GPU's is free), four times where heat slows it; they multiply. The largest number, for never, where it is about
/// to switch itself off or less than a fiftieth of its memory is free.
std::size_t gpu_threshold(std::size_t measured, const GpuConditions& conditions) noexcept;

struct GpuProfile {
  DeviceProperties properties{};
  GpuState state{};
  std::string trouble{};  ///< why this build cannot use it; empty where it can
};

/// Every GPU of this machine, those too that this build cannot use.
struct GpuSurvey {
  std::vector<GpuProfile> gpus{};
  std::string trouble{};  ///< why there is none: no driver, an old one, the CUDA part not built …
};

/// Threads:  any.
GpuSurvey survey_gpus();

}  // namespace metalaudio
