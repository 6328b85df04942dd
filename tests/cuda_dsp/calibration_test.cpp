#include <metalaudio/dsp/gpu_calibration.h>

#include <limits>

#include "tests/dsp/batched/device.h"

namespace metalaudio::dsp {
namespace {

TEST(GpuCalibration, TransformsThatAreLargeEnoughAreFasterOnAGpu) {
  const std::size_t threshold = measure_gpu_threshold(batched_test_device());
  // A launch and two copies take some microseconds, a core's transform of 256 points less than one;
  // a million points take it a millisecond and more.
  EXPECT_GE(threshold, 256U);
  EXPECT_LT(threshold, std::size_t{1} << 20);
  RecordProperty("threshold", static_cast<int>(threshold));
}

TEST(GpuCalibration, TheDeviceIsChosenByTheThreshold) {
  ToleranceConfiguration tolerances;
  tolerances.gpu_cpu_threshold = 5000;
  EXPECT_EQ(choose_device(5000, tolerances)->properties().type, DeviceType::cpu);
  // Heat and memory that is short move it, by 32 times at most before it is never.
  EXPECT_EQ(choose_device(std::size_t{1} << 30, tolerances)->properties().type, DeviceType::cuda);
}

}  // namespace
}  // namespace metalaudio::dsp
