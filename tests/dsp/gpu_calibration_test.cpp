#include <gtest/gtest.h>
#include <metalaudio/dsp/gpu_calibration.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <thread>

#include "tests/support/fake_gpu.h"
#include "tests/support/test_folder.h"

namespace metalaudio::dsp {
namespace {

std::size_t threshold_of(std::chrono::microseconds pass_time) {
  const auto gpu = std::make_shared<FakeGpu>();
  gpu->kernels["pass"] = [=](std::span<const float>, std::span<float>) {
    if (pass_time.count() > 0) std::this_thread::sleep_for(pass_time);
  };
  return measure_gpu_threshold(gpu);
}

TEST(GpuCalibration, APromptGpuIsUsedForLessThanASlowOne) {
  using namespace std::chrono_literals;
  // Nothing but copies: a transform of 2^19 points takes longer than those.
  EXPECT_LT(threshold_of(0us), std::size_t{1} << 19);
  // Fifty milliseconds and more in all: no transform up to 2^20 takes as long.
  EXPECT_EQ(threshold_of(10ms), std::numeric_limits<std::size_t>::max());
}

TEST(GpuCalibration, NeedsAGpu) {
  expect_error(ErrorCode::invalid_argument, "is no GPU",
               [] { measure_gpu_threshold(open_device(DeviceType::cpu)); });
}

}  // namespace
}  // namespace metalaudio::dsp
