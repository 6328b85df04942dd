#include <gtest/gtest.h>
#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/pipeline.h>
#include <metalaudio/core/tolerance_configuration.h>

#include <algorithm>
#include <memory>

#include "tests/support/fake_gpu.h"
#include "tests/support/test_folder.h"

namespace metalaudio {
namespace {

void twice(std::span<const float> in, std::span<float> out) {
  std::ranges::transform(in, out.begin(), [](float x) { return 2 * x; });
}

TEST(DevicePipeline, IsAKernelOnAGpuAndAFunctionOnTheCpu) {
  FakeGpu gpu;
  gpu.kernels["twice"] = twice;
  const auto on_gpu = gpu.pipeline({{"…", "twice"}, {}});
  EXPECT_NE(on_gpu->kernel(), nullptr);
  EXPECT_FALSE(on_gpu->cpu());
  EXPECT_EQ(on_gpu->name(), "twice");
  const auto on_cpu = open_device(DeviceType::cpu)->pipeline({{"…", "twice"}, twice});
  EXPECT_EQ(on_cpu->kernel(), nullptr);
  EXPECT_TRUE(on_cpu->cpu());
}

TEST(DevicePipeline, AWrongSourceIsAnErrorEvenWhereTheCpuCould) {
  FakeGpu gpu;
  expect_error(ErrorCode::invalid_argument, "nothing does not compile", [&] {
    gpu.pipeline({{"…", "nothing"}, twice});
  });
}

TEST(DevicePipeline, WithoutACompilerTheCpuDoesItAndSaysWhy) {
  FakeGpu gpu;
  gpu.no_compiler = true;
  const auto pipeline = gpu.pipeline({{"…", "twice"}, twice});
  EXPECT_EQ(pipeline->kernel(), nullptr);
  EXPECT_EQ(pipeline->trouble(), "[Pipeline] no compiler");
  expect_error(ErrorCode::backend_unavailable, "no compiler", [&] {
    gpu.pipeline({{"…", "twice"}, {}});
  });
}

TEST(DevicePipeline, NothingToRunIsAnError) {
  expect_error(ErrorCode::backend_unavailable, "no GPU, and no function for the CPU", [&] {
    open_device(DeviceType::cpu)->pipeline({{"…", "twice"}, {}});
  });
  FakeGpu gpu;
  expect_error(ErrorCode::backend_unavailable, "no kernel", [&] { gpu.pipeline({}); });
}

TEST(ShouldUseGpu, FollowsTheThresholdAndTheStateOfTheGpu) {
  ToleranceConfiguration tolerances;
  tolerances.gpu_cpu_threshold = 1000;
  EXPECT_FALSE(open_device(DeviceType::cpu)->should_use_gpu(1 << 30, tolerances));
  FakeGpu gpu;
  EXPECT_FALSE(gpu.should_use_gpu(1000, tolerances));
  EXPECT_TRUE(gpu.should_use_gpu(1 << 20, tolerances));
  gpu.gpu_state.celsius = 91;
  gpu.gpu_state.shutdown_celsius = 92;
  EXPECT_FALSE(gpu.should_use_gpu(1 << 30, tolerances));
}

}  // namespace
}  // namespace metalaudio
