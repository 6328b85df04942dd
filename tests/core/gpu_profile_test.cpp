#include <gtest/gtest.h>
#include <metalaudio/core/gpu_profile.h>

#include <limits>

namespace metalaudio {
namespace {

constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

GpuState at(double celsius) {
  GpuState state;
  state.celsius = celsius;
  state.slowdown_celsius = 87;
  state.shutdown_celsius = 92;
  return state;
}

TEST(GpuState, HeatIsJudgedByTheGpusOwnLimits) {
  EXPECT_EQ(GpuState{}.thermal_state(), ThermalState::nominal);
  EXPECT_EQ(at(76.9).thermal_state(), ThermalState::nominal);
  EXPECT_EQ(at(77).thermal_state(), ThermalState::fair);
  EXPECT_EQ(at(86.9).thermal_state(), ThermalState::fair);
  EXPECT_EQ(at(87).thermal_state(), ThermalState::critical);  // within 5 °C of 92
  GpuState state = at(87);
  state.shutdown_celsius = 100;
  EXPECT_EQ(state.thermal_state(), ThermalState::serious);
  state = at(40);
  state.slowed_by_heat = true;
  EXPECT_EQ(state.thermal_state(), ThermalState::serious);
  state = GpuState{};
  state.celsius = 200;  // no limits known
  EXPECT_EQ(state.thermal_state(), ThermalState::nominal);
}

TEST(GpuThreshold, IsTheMeasuredOneOnAnIdleMachine) {
  EXPECT_EQ(gpu_threshold(2048, {}), 2048U);
  EXPECT_EQ(gpu_threshold(0, {}), 0U);
}

TEST(GpuThreshold, MovesWithHeatPowerAndMemory) {
  const auto heat = [](ThermalState state) { return GpuConditions{.gpu_heat = state}; };
  EXPECT_EQ(gpu_threshold(1000, heat(ThermalState::fair)), 2000U);
  EXPECT_EQ(gpu_threshold(1000, heat(ThermalState::serious)), 4000U);
  EXPECT_EQ(gpu_threshold(1000, heat(ThermalState::critical)), kNever);
  EXPECT_EQ(gpu_threshold(1000, {.power_saving = true}), 2000U);
  EXPECT_EQ(gpu_threshold(1000, {.host_memory_short = true}), 2000U);
  EXPECT_EQ(gpu_threshold(1000, {.free_memory_share = 0.09}), 2000U);
  EXPECT_EQ(gpu_threshold(1000, {.free_memory_share = 0.01}), kNever);
  EXPECT_EQ(gpu_threshold(1000, {.gpu_heat = ThermalState::serious,
                                 .power_saving = true,
                                 .host_memory_short = true,
                                 .free_memory_share = 0.05}),
            16000U);
  EXPECT_EQ(gpu_threshold(kNever, {.power_saving = true}), kNever);
  EXPECT_EQ(gpu_threshold(kNever, {}), kNever);
}

TEST(GpuConditions, ComeFromTheMachineAndTheGpu) {
  HardwareProfile machine;
  GpuState gpu;
  EXPECT_FALSE(conditions_of(machine, gpu, 1000).power_saving);
  EXPECT_EQ(conditions_of(machine, gpu, 1000).free_memory_share, 1);
  gpu.free_memory_bytes = 250;
  EXPECT_EQ(conditions_of(machine, gpu, 1000).free_memory_share, 0.25);
  EXPECT_EQ(conditions_of(machine, gpu, 0).free_memory_share, 1);  // not known
  gpu.slowed_by_power = true;
  EXPECT_TRUE(conditions_of(machine, gpu, 1000).power_saving);
  gpu.slowed_by_power = false;
  machine.power_source = PowerSource::mains;
  EXPECT_FALSE(conditions_of(machine, gpu, 1000).power_saving);
  machine.power_source = PowerSource::battery;
  EXPECT_TRUE(conditions_of(machine, gpu, 1000).power_saving);
  machine.memory_pressure = MemoryPressure{.some_percent = 9};
  EXPECT_FALSE(conditions_of(machine, gpu, 1000).host_memory_short);
  machine.memory_pressure = MemoryPressure{.some_percent = 10};
  EXPECT_TRUE(conditions_of(machine, gpu, 1000).host_memory_short);
}

}  // namespace
}  // namespace metalaudio
