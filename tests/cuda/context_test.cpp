#include <gtest/gtest.h>
#include <metalaudio/core/compute_context.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <iostream>
#include <thread>
#include <vector>

#include "tests/cuda/kernels.h"

namespace metalaudio {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kBlock = 512;

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

TEST(CudaContext, GivesEachResultOnceAfterItsLatency) {
  const auto device = gpu();
  ComputeContext context(device, device->pipeline({scale_source(2), thrice}), {});
  EXPECT_EQ(context.place(), ComputePlace::device);
  for (int callback = 0; callback < 1000; ++callback) {
    while (context.finished() < context.submitted()) std::this_thread::yield();
    float heard = -1;
    const bool read =
        context.with_read_buffer([&](std::span<const float> y) { heard = y[kBlock - 1]; });
    ASSERT_EQ(read, callback >= 2);
    if (read) {
      ASSERT_EQ(heard, 2.0F * static_cast<float>(callback - 2));
    }
    ASSERT_TRUE(context.try_execute_async(
        [&](std::span<float> x) { std::ranges::fill(x, static_cast<float>(callback)); }));
  }
  EXPECT_EQ(context.refused(), 0U);
  EXPECT_EQ(context.status(), Trouble::none);
}

TEST(CudaContext, TakesBlocksOfOtherSizesInAndOut) {
  const auto device = gpu();
  const KernelSource source{
      R"(__global__ void sums(const float* in, float* out, int outs, int ins) {
           int i = blockIdx.x * blockDim.x + threadIdx.x;
           if (i >= outs) return;
           out[i] = 0;
           for (int k = i; k < ins; k += outs) out[i] += in[k];
         })",
      "sums"};
  ComputeOptions options;
  options.in_values = 1000;
  options.out_values = 3;
  options.shape.threads = 32;
  ComputeContext context(device, device->pipeline({source, {}}), options);
  const std::vector<float> in(1000, 1.0F);
  std::array<float, 3> out{};
  EXPECT_EQ(context.execute(in, out), Trouble::none);
  EXPECT_EQ(out, (std::array<float, 3>{334, 333, 333}));
}

TEST(CudaContext, NoBufferIsTornWhileAllSubmit) {
  const auto device = gpu();
  ComputeContext context(device, device->pipeline({scale_source(2), {}}), {.poll_period = 10us});
  std::atomic<bool> stop{false};
  std::vector<std::thread> others;
  for (int t = 0; t < 3; ++t) {
    others.emplace_back([&, t] {
      std::vector<float> in(kBlock), out(kBlock);
      for (int i = 0; !stop; ++i) {
        std::ranges::fill(in, static_cast<float>(3 * i + t));
        EXPECT_EQ(context.execute(in, out), Trouble::none);
        EXPECT_TRUE(std::ranges::all_of(out, [&](float y) { return y == 2 * in[0]; }));
      }
    });
  }
  bool whole = true;
  int heard = 0;
  for (int callback = 0; heard < 5000 && callback < 2'000'000; ++callback) {
    context.with_read_buffer([&](std::span<const float> y) {
      ++heard;
      const auto expected = static_cast<float>(2 * (callback - 2));
      whole = whole && std::ranges::all_of(y, [&](float v) { return v == expected; });
    });
    context.try_execute_async(
        [&](std::span<float> x) { std::ranges::fill(x, static_cast<float>(callback)); });
    std::this_thread::sleep_for(30us);
  }
  stop = true;
  for (std::thread& thread : others) thread.join();
  EXPECT_TRUE(whole);
  EXPECT_EQ(heard, 5000);
}

/// While the GPU is held up, the callback is refused at once and never waits.
TEST(CudaContext, RefusesAtOnceWhileTheGpuIsBusy) {
  const auto device = gpu();
  const KernelSource source{R"(__global__ void slow(const float* in, float* out, int n) {
                                 long long start = clock64();
                                 while (clock64() - start < 20000000) {}
                                 int i = blockIdx.x * blockDim.x + threadIdx.x;
                                 if (i < n) out[i] = in[i];
                               })",
                            "slow"};
  ComputeContext context(device, device->pipeline({source, {}}), {});
  double longest = 0;
  int taken = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto start = Clock::now();
    if (context.try_execute_async()) ++taken;
    longest = std::max(longest, microseconds_since(start));
  }
  EXPECT_EQ(taken, 3);
  EXPECT_EQ(context.refused(), 997U);
  // A kernel takes ten milliseconds; a callback that waited for one would show it.
  EXPECT_LT(longest, 2000);
  std::cout << "longest try_execute_async while busy: " << longest << " µs\n";
}

/// All that CUDA does lazily is paid by the constructors.
TEST(CudaContext, AFirstCallTakesAtMostTwiceTheTenth) {
  const auto device = gpu();
  std::vector<double> firsts, tenths;
  const std::vector<float> in(kBlock, 1.0F);
  std::vector<float> out(kBlock);
  for (int factor = 1000; factor < 1021; ++factor) {  // kernels that are new each time
    ComputeContext context(device, device->pipeline({scale_source(factor), {}}),
                           {.poll_period = 10us});
    for (int call = 0; call < 10; ++call) {
      const auto start = Clock::now();
      EXPECT_EQ(context.execute(in, out), Trouble::none);
      if (call == 0) firsts.push_back(microseconds_since(start));
      if (call == 9) tenths.push_back(microseconds_since(start));
    }
  }
  std::ranges::sort(firsts);
  std::ranges::sort(tenths);
  std::cout << "first call " << firsts[10] << " µs, tenth " << tenths[10] << " µs (medians)\n";
  EXPECT_LE(firsts[10], 2 * tenths[10]);
}

}  // namespace
}  // namespace metalaudio
