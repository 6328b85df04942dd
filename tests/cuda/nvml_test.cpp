#include <gtest/gtest.h>
#include <metalaudio/core/cuda/nvml.h>
#include <metalaudio/core/hardware_profile.h>

#include "fake_nvml.h"

namespace metalaudio {
namespace {

constexpr const char* kBus = "0000:65:00.0";

GpuState state_with(FakeNvml answers) {
  fake_nvml() = answers;
  GpuState state;
  cuda::read_nvml(kBus, state);
  return state;
}

/// As should_use_gpu() asks, of 1000 on a quiet machine.
std::size_t threshold_with(FakeNvml answers) {
  return gpu_threshold(1000, conditions_of(HardwareProfile{}, state_with(answers), 80ULL << 30U));
}

TEST(Nvml, TellsWhatIsThere) {
  const GpuState state = state_with({});
  EXPECT_EQ(state.celsius, 40);
  EXPECT_EQ(state.slowdown_celsius, 87);
  EXPECT_EQ(state.shutdown_celsius, 92);
  EXPECT_EQ(state.clock_mhz, 1980);
  EXPECT_EQ(state.memory_clock_mhz, 2619);
  EXPECT_EQ(state.free_memory_bytes, 70ULL << 30U);
  EXPECT_FALSE(state.slowed_by_power);
  EXPECT_FALSE(state.slowed_by_heat);
  EXPECT_EQ(threshold_with({}), 1000U);
}

/// The bits as NVML documents them; idle (1) and settings of the user's (2, 0x100) are no distress.
TEST(Nvml, ReasonsForLowClocksMoveTheThreshold) {
  for (const unsigned long long quiet : {0x1ULL, 0x2ULL, 0x100ULL}) {
    EXPECT_EQ(threshold_with({.reasons = quiet}), 1000U) << quiet;
  }
  for (const unsigned long long power : {0x4ULL, 0x80ULL, 0x88ULL}) {
    EXPECT_TRUE(state_with({.reasons = power}).slowed_by_power) << power;
    EXPECT_FALSE(state_with({.reasons = power}).slowed_by_heat) << power;
    EXPECT_EQ(threshold_with({.reasons = power}), 2000U) << power;
  }
  for (const unsigned long long heat : {0x20ULL, 0x40ULL, 0x48ULL, 0x8ULL}) {
    EXPECT_FALSE(state_with({.reasons = heat}).slowed_by_power) << heat;
    EXPECT_TRUE(state_with({.reasons = heat}).slowed_by_heat) << heat;
    EXPECT_EQ(threshold_with({.reasons = heat}), 4000U) << heat;
  }
  EXPECT_EQ(threshold_with({.reasons = 0x24}), 8000U);
  EXPECT_EQ(threshold_with({.celsius = 78}), 2000U);
  EXPECT_GT(threshold_with({.celsius = 88}), 1U << 30U);
}

TEST(Nvml, WhatItDoesNotAnswerIsNotKnown) {
  const GpuState state = state_with({.reasons = 0x4, .silent = true});
  EXPECT_FALSE(state.celsius);
  EXPECT_FALSE(state.clock_mhz);
  EXPECT_FALSE(state.free_memory_bytes);
  EXPECT_FALSE(state.slowed_by_power);
  EXPECT_EQ(threshold_with({.reasons = 0x4, .silent = true}), 1000U);
  GpuState other;
  cuda::read_nvml("0000:66:00.0", other);
  EXPECT_FALSE(other.celsius);
}

}  // namespace
}  // namespace metalaudio
