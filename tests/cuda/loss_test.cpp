#include <gtest/gtest.h>
#include <metalaudio/core/compute_context.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <thread>
#include <vector>

#include "tests/cuda/kernels.h"

namespace metalaudio {
namespace {

using ::testing::ExitedWithCode;

/// What is heard of ten blocks of 1, the sixth of which is the 13 that faults.
std::vector<float> play(ComputeContext& context) {
  std::vector<float> heard;
  for (int callback = 0; callback < 10; ++callback) {
    float sample = -1;
    context.with_read_buffer([&](std::span<const float> y) { sample = y[0]; });
    heard.push_back(sample);
    const float value = callback == 5 ? 13.0F : 1.0F;
    context.try_execute_async([&](std::span<float> x) { std::ranges::fill(x, value); });
    while (context.finished() < context.submitted()) std::this_thread::yield();
  }
  return heard;
}

void expect(bool right, const char* what) {
  if (right) return;
  std::cerr << "wrong: " << what;
  std::exit(1);
}

[[noreturn]] void lose_with_a_cpu_function() {
  const auto device = gpu();
  {
    ComputeContext context(device, device->pipeline({faulting_source(), thrice}), {});
    const std::vector<float> heard = play(context);
    expect(heard == std::vector<float>{-1, -1, 2, 2, 2, 2, 2, 0, 3, 3}, "what was heard");
    expect(context.place() == ComputePlace::cpu, "place");
    expect(context.take_status() == Trouble::device_lost, "the loss is told");
    expect(context.take_status() == Trouble::none, "it is told once");
    std::cerr << context.loss();
    std::array<float, 512> one{1};
    expect(context.execute(one, one) == Trouble::none && one[0] == 3, "others go on too");
  }
  // A second one on the lost device is refused rather than a crash.
  try {
    const ComputeContext context(device, device->pipeline({faulting_source(), thrice}), {});
    expect(false, "a context on a lost device");
  } catch (const Error& error) {
    expect(error.code() == ErrorCode::backend_unavailable, "the code");
  }
  std::exit(0);
}

[[noreturn]] void lose_without_a_cpu_function() {
  const auto device = gpu();
  {
    ComputeContext context(device, device->pipeline({faulting_source(), {}}), {});
    const std::vector<float> heard = play(context);
    expect(heard == std::vector<float>{-1, -1, 2, 2, 2, 2, 2, 0, 0, 0}, "what was heard");
    expect(context.place() == ComputePlace::silent, "place");
    expect(context.take_status() == Trouble::device_lost, "the loss is told");
    std::cerr << context.loss();
  }
  std::exit(0);
}

// Each in a child process: the context of CUDA is lost for good.
TEST(CudaLoss, TheCpuGoesOnFromTheNextBlock) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(lose_with_a_cpu_function(), ExitedWithCode(0), "illegal memory access");
}

TEST(CudaLoss, WithoutACpuFunctionItStaysSilent) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(lose_without_a_cpu_function(), ExitedWithCode(0), "illegal memory access");
}

TEST(CudaLoss, LeavesThisProcessAlone) {
  const auto device = gpu();
  ComputeContext context(device, device->pipeline({scale_source(2), {}}), {});
  std::array<float, 512> one{1};
  EXPECT_EQ(context.execute(one, one), Trouble::none);
  EXPECT_EQ(one[0], 2.0F);
}

}  // namespace
}  // namespace metalaudio
