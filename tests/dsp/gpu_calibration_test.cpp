#include <gtest/gtest.h>
#include <metalaudio/dsp/batched/gpu_threshold.h>
#include <metalaudio/dsp/gpu_calibration.h>

#include <limits>

#include "tests/support/test_folder.h"

namespace metalaudio::dsp {
namespace {

/// Where a CPU takes a nanosecond a point, and a GPU so long for anything.
std::size_t threshold_of(double gpu_seconds) {
  return find_gpu_threshold(
      256, 65536, [](std::size_t points) { return 1e-9 * static_cast<double>(points); },
      [&](std::size_t) { return gpu_seconds; });
}

TEST(GpuCalibration, TheThresholdIsTheLargestSizeThatTheCpuWins) {
  EXPECT_EQ(threshold_of(5e-6), 4096U);
  EXPECT_EQ(threshold_of(4.096e-6), 2048U + 2048U);  // a tie is the CPU's
  EXPECT_EQ(threshold_of(0), 0U);
  EXPECT_EQ(threshold_of(1), std::numeric_limits<std::size_t>::max());
  // One size that went wrong below does not hide the last that the CPU wins.
  EXPECT_EQ(find_gpu_threshold(
                256, 4096, [](std::size_t points) { return points == 512 ? 2.0 : 0.5; },
                [](std::size_t points) { return points < 2048 ? 1.0 : 0.25; }),
            1024U);
}

TEST(GpuCalibration, NeedsAGpu) {
  expect_error(ErrorCode::invalid_argument, "is no GPU",
               [] { measure_gpu_threshold(open_device(DeviceType::cpu)); });
}

}  // namespace
}  // namespace metalaudio::dsp
