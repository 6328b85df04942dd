#include <gtest/gtest.h>
#include <metalaudio/core/compute_context.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/fake_gpu.h"
#include "tests/support/realtime_guard.h"
#include "tests/support/test_folder.h"

namespace metalaudio {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBlock = 64;

void twice(std::span<const float> in, std::span<float> out) {
  std::ranges::transform(in, out.begin(), [](float x) { return 2 * x; });
}
/// Told apart from the GPU's.
void thrice(std::span<const float> in, std::span<float> out) {
  std::ranges::transform(in, out.begin(), [](float x) { return 3 * x; });
}

struct Setting {
  std::shared_ptr<FakeGpu> gpu = std::make_shared<FakeGpu>();
  std::shared_ptr<const Pipeline> pipeline;

  explicit Setting(const CpuFunction& cpu = thrice, const CpuFunction& kernel = twice) {
    gpu->kernels["kernel"] = kernel;
    pipeline = gpu->pipeline({{"…", "kernel"}, cpu});
  }
};

std::shared_ptr<AudioDevice> cpu_device() { return open_device(DeviceType::cpu); }

ComputeOptions blocks_of(std::size_t values) {
  ComputeOptions options;
  options.in_values = values;
  return options;
}

void wait_until_done(const ComputeContext& context) {
  while (context.finished() < context.submitted()) std::this_thread::sleep_for(100us);
}

class ComputeContextOn : public ::testing::TestWithParam<bool> {
 protected:
  std::unique_ptr<ComputeContext> context(const CpuFunction& function,
                                          const ComputeOptions& options) {
    if (GetParam()) {
      const Setting setting(thrice, function);
      return std::make_unique<ComputeContext>(setting.gpu, setting.pipeline, options);
    }
    const auto device = cpu_device();
    return std::make_unique<ComputeContext>(device, device->pipeline({{}, function}), options);
  }
};
INSTANTIATE_TEST_SUITE_P(Devices, ComputeContextOn, ::testing::Bool(),
                         [](const auto& device) { return device.param ? "Gpu" : "Cpu"; });

/// Every result is that of the block before the last, in order, and the audio side stays real-time.
TEST_P(ComputeContextOn, GivesEachResultOnceAfterItsLatency) {
  const auto context = this->context(twice, blocks_of(kBlock));
  EXPECT_EQ(context->latency_samples(), 2 * kBlock);
  for (int callback = 0; callback < 50; ++callback) {
    wait_until_done(*context);
    float heard = -1.0F;
    bool read = false, again = true, sent = false;
    {
      const testing::RealtimeGuard guard;
      read = context->with_read_buffer([&](std::span<const float> y) { heard = y[kBlock - 1]; });
      again = context->with_read_buffer([](std::span<const float>) {});
      sent = context->try_execute_async(
          [&](std::span<float> x) { std::ranges::fill(x, static_cast<float>(callback)); });
    }
    EXPECT_TRUE(sent);
    EXPECT_FALSE(again);
    ASSERT_EQ(read, callback >= 2);
    if (read) {
      EXPECT_EQ(heard, 2.0F * static_cast<float>(callback - 2));
    }
  }
  wait_until_done(*context);
  EXPECT_EQ(context->submitted(), 50U);
  EXPECT_EQ(context->finished(), 50U);
  EXPECT_EQ(context->refused(), 0U);
  EXPECT_EQ(context->status(), Trouble::none);
}

TEST_P(ComputeContextOn, WritesAndHandsOverInTwoSteps) {
  ComputeOptions options = blocks_of(2);
  options.out_values = 3;
  options.block_samples = 48;
  options.latency_blocks = 1;
  const auto context =
      this->context([](std::span<const float> in,
                       std::span<float> out) { std::ranges::fill(out, in[0] + in[1]); },
                    options);
  EXPECT_EQ(context->latency_samples(), 48U);
  EXPECT_TRUE(context->with_write_buffer([](std::span<float> x) { x[0] = 1; }));
  EXPECT_TRUE(context->with_write_buffer([](std::span<float> x) { x[1] = 2; }));
  EXPECT_EQ(context->submitted(), 0U);
  EXPECT_TRUE(context->try_execute_async());
  wait_until_done(*context);
  std::array<float, 3> out{};
  EXPECT_TRUE(context->with_read_buffer(
      [&](std::span<const float> y) { std::ranges::copy(y, out.begin()); }));
  EXPECT_EQ(out, (std::array<float, 3>{3, 3, 3}));
}

/// A worker that hangs: three blocks are taken, the next ones refused at once; what comes late is
/// never heard, and what follows keeps its latency.
TEST_P(ComputeContextOn, RefusesWhileBusyAndKeepsItsLatency) {
  std::atomic<bool> hang{false};
  const auto context = this->context(
      [&](std::span<const float> in, std::span<float> out) {
        while (hang) std::this_thread::sleep_for(100us);
        twice(in, out);
      },
      blocks_of(1));
  std::vector<float> heard;
  const auto callback = [&](int number) {
    const testing::RealtimeGuard guard;
    float sample = -1.0F;
    context->with_read_buffer([&](std::span<const float> y) { sample = y[0]; });
    const bool sent =
        context->try_execute_async([&](std::span<float> x) { x[0] = static_cast<float>(number); });
    const testing::RealtimeGuard::Suspend suspend;
    heard.push_back(sample);
    return sent;
  };
  hang = true;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(callback(i)) << i;
  for (int i = 3; i < 6; ++i) EXPECT_FALSE(callback(i)) << i;
  EXPECT_EQ(context->refused(), 3U);
  EXPECT_EQ(context->take_status(), Trouble::output_late);
  hang = false;
  for (int i = 6; i < 10; ++i) {
    wait_until_done(*context);
    EXPECT_TRUE(callback(i)) << i;
  }
  EXPECT_EQ(heard, (std::vector<float>{-1, -1, -1, -1, -1, -1, -1, -1, 12, 14}));
  EXPECT_EQ(context->submitted(), 7U);
}

TEST_P(ComputeContextOn, OtherThreadsWaitForTheirResults) {
  const auto context = this->context(twice, blocks_of(kBlock));
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      std::array<float, kBlock> in{}, out{};
      for (int i = 0; i < 100; ++i) {
        in.fill(static_cast<float>(1000 * t + i));
        EXPECT_EQ(context->execute(in, out), Trouble::none);
        for (const float y : out) EXPECT_EQ(y, 2 * in[0]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(context->finished(), 600U);
}

TEST_P(ComputeContextOn, CallsBackForEveryBlockEvenWhenItEnds) {
  std::atomic<int> calls{0};
  std::atomic<int> right{0};
  {
    const auto context = this->context(twice, blocks_of(kBlock));
    std::array<float, kBlock> in{};
    for (int i = 0; i < 10; ++i) {
      in.fill(static_cast<float>(i));
      context->execute_async(in, [&, i](std::span<const float> out, Trouble trouble) {
        ++calls;
        if (trouble == Trouble::none && out[0] == 2.0F * static_cast<float>(i)) ++right;
        if (i == 3) throw Error(ErrorCode::cancelled, "a callback's own");
      });
    }
  }
  EXPECT_EQ(calls, 10);
  EXPECT_EQ(right, 10);
}

TEST_P(ComputeContextOn, ACallbackThatWouldWaitForItselfIsRefused) {
  const auto context = this->context(twice, blocks_of(1));
  const std::array<float, 1> in{1};
  std::atomic<bool> refused{false};
  std::array<float, 1> out{};
  context->execute_async(in, [&](std::span<const float>, Trouble) {
    try {
      static_cast<void>(context->execute(in, out));
    } catch (const Error& error) {
      refused = error.code() == ErrorCode::invalid_argument;
    }
  });
  EXPECT_EQ(context->execute(in, out), Trouble::none);
  EXPECT_TRUE(refused);
}

/// Audio thread and others at once: no buffer is ever torn.
TEST_P(ComputeContextOn, NoBufferIsTornWhileAllSubmit) {
  constexpr std::size_t kLarge = 1024;
  ComputeOptions options = blocks_of(kLarge);
  options.poll_period = 10us;
  const auto context = this->context(twice, options);
  std::atomic<bool> stop{false};
  std::vector<std::thread> others;
  for (int t = 0; t < 2; ++t) {
    others.emplace_back([&, t] {
      std::vector<float> in(kLarge), out(kLarge);
      for (int i = 0; !stop; ++i) {
        std::ranges::fill(in, static_cast<float>(2 * i + t));
        static_cast<void>(context->execute(in, out));
        EXPECT_TRUE(std::ranges::all_of(out, [&](float y) { return y == 2 * in[0]; }));
      }
    });
  }
  std::vector<float> sent;  // by number of callback; -1 where refused
  std::uint64_t heard = 0;
  bool whole = true;
  // Until enough was heard, however busy the machine is.
  for (int callback = 0; heard < 500 && callback < 1'000'000; ++callback) {
    context->with_read_buffer([&](std::span<const float> y) {
      ++heard;
      const float expected = 2 * sent[static_cast<std::size_t>(callback) - 2];
      whole = whole && std::ranges::all_of(y, [&](float v) { return v == expected; });
    });
    const auto value = static_cast<float>(callback);
    const bool taken =
        context->try_execute_async([&](std::span<float> x) { std::ranges::fill(x, value); });
    sent.push_back(taken ? value : -1.0F);
    if (callback % 4 == 0) std::this_thread::sleep_for(20us);
  }
  stop = true;
  for (std::thread& thread : others) thread.join();
  EXPECT_TRUE(whole);
  EXPECT_EQ(heard, 500U);
  wait_until_done(*context);
  EXPECT_EQ(context->submitted(), context->finished());
}

TEST(ComputeContext, ALostDeviceIsToldOnceAndTheCpuGoesOn) {
  const Setting setting;
  setting.gpu->launches_left = 7;  // the constructor's, its worker's three, and three blocks
  ComputeContext context(setting.gpu, setting.pipeline, blocks_of(kBlock));
  EXPECT_EQ(context.place(), ComputePlace::device);
  std::vector<float> heard;
  for (int callback = 0; callback < 10; ++callback) {
    const testing::RealtimeGuard guard;
    float sample = -1.0F;
    context.with_read_buffer([&](std::span<const float> y) { sample = y[0]; });
    context.try_execute_async([](std::span<float> x) { std::ranges::fill(x, 1.0F); });
    const testing::RealtimeGuard::Suspend suspend;
    heard.push_back(sample);
    wait_until_done(context);
  }
  EXPECT_EQ(heard, (std::vector<float>{-1, -1, 2, 2, 2, 0, 3, 3, 3, 3}));
  EXPECT_EQ(context.place(), ComputePlace::cpu);
  EXPECT_EQ(context.loss(), "[FakeGpu] an illegal address");
  EXPECT_EQ(context.status(), Trouble::device_lost);
  EXPECT_EQ(context.take_status(), Trouble::device_lost);
  EXPECT_EQ(context.take_status(), Trouble::none);
  EXPECT_EQ(setting.gpu->launches, 8);  // it is asked no more
  EXPECT_EQ(context.finished(), 10U);
}

TEST(ComputeContext, ALostDeviceIsNotHiddenByALateBlock) {
  const Setting setting;
  ComputeContext context(setting.gpu, setting.pipeline, blocks_of(1));
  context.with_read_buffer([](std::span<const float>) {});
  for (int i = 0; i < 6; ++i) context.try_execute_async();
  context.with_read_buffer([](std::span<const float>) {});
  wait_until_done(context);
  EXPECT_EQ(context.status(), Trouble::output_late);
  setting.gpu->launches_left = 0;
  std::array<float, 1> one{1};
  EXPECT_EQ(context.execute(one, one), Trouble::device_lost);
  EXPECT_EQ(one[0], 0.0F);
  EXPECT_EQ(context.take_status(), Trouble::device_lost);
  EXPECT_EQ(context.take_status(), Trouble::output_late);
  one[0] = 1;
  EXPECT_EQ(context.execute(one, one), Trouble::none);
  EXPECT_EQ(one[0], 3.0F);
}

TEST(ComputeContext, WithoutACpuFunctionItStaysSilentAndSaysSo) {
  const Setting setting(nullptr);
  ComputeContext context(setting.gpu, setting.pipeline, blocks_of(1));
  setting.gpu->launches_left = 0;
  for (int i = 0; i < 3; ++i) {
    const std::array<float, 1> in{1};
    std::array<float, 1> out{7};
    EXPECT_EQ(context.execute(in, out), Trouble::device_lost);
    EXPECT_EQ(out[0], 0.0F);
  }
  EXPECT_EQ(context.place(), ComputePlace::silent);
  EXPECT_EQ(context.take_status(), Trouble::device_lost);
  EXPECT_EQ(context.take_status(), Trouble::none);
}

TEST(ComputeContext, ACpuFunctionThatThrowsIsSilenceForItsBlock) {
  const auto device = cpu_device();
  const CpuFunction function = [](std::span<const float> in, std::span<float> out) {
    if (in[0] == 1) throw Error(ErrorCode::cancelled, "one");
    twice(in, out);
  };
  ComputeContext context(device, device->pipeline({{}, function}), blocks_of(1));
  std::array<float, 1> out{};
  EXPECT_EQ(context.execute(std::array{2.0F}, out), Trouble::none);
  EXPECT_EQ(context.execute(std::array{1.0F}, out), Trouble::output_silenced);
  EXPECT_EQ(out[0], 0.0F);
  EXPECT_EQ(context.execute(std::array{2.0F}, out), Trouble::none);
  EXPECT_EQ(out[0], 4.0F);
  EXPECT_EQ(context.take_status(), Trouble::output_silenced);
}

TEST(ComputeContext, RefusesWhatCannotBe) {
  const Setting setting;
  const auto make = [&](auto change) {
    ComputeOptions options;
    change(options);
    const ComputeContext context(setting.gpu, setting.pipeline, options);
  };
  const auto bad = ErrorCode::invalid_argument;
  expect_error(bad, "a block of 0", [&] { make([](auto& o) { o.in_values = 0; }); });
  expect_error(bad, "expected 1 to", [&] { make([](auto& o) { o.out_values = 1ULL << 60U; }); });
  expect_error(bad, "0 blocks of latency", [&] { make([](auto& o) { o.latency_blocks = 0; }); });
  expect_error(bad, "3 blocks of latency", [&] { make([](auto& o) { o.latency_blocks = 3; }); });
  expect_error(bad, "0 threads", [&] { make([](auto& o) { o.shape.threads = 0; }); });
  expect_error(bad, "too many threads", [&] { make([](auto& o) { o.shape.threads = 2048; }); });
  expect_error(bad, "period", [&] { make([](auto& o) { o.poll_period = 0us; }); });
  const Setting another;
  expect_error(bad, "another device",
               [&] { const ComputeContext context(setting.gpu, another.pipeline, {}); });
  const Setting no_cpu(nullptr);
  expect_error(ErrorCode::backend_unavailable, "no function for the CPU",
               [&] { const ComputeContext context(cpu_device(), no_cpu.pipeline, {}); });
  ComputeContext context(setting.gpu, setting.pipeline, blocks_of(2));
  std::array<float, 3> values{};
  expect_error(bad, "3 values to 3: expected 2 to 2",
               [&] { static_cast<void>(context.execute(values, values)); });
  expect_error(bad, "no callback", [&] { context.execute_async(std::span(values).first(2), {}); });
}

}  // namespace
}  // namespace metalaudio
