#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/nn/inference_queue.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "stream_plans.h"
#include "tests/support/realtime_guard.h"

namespace metalaudio::nn {
namespace {

using namespace std::chrono_literals;
using Samples = std::vector<float>;

/// Doubles, and lets the test see and stop it.
struct Doubler {
  std::atomic<std::uint64_t> started{0};
  std::atomic<std::uint64_t> allowed{1U << 30};  // blocks that may be begun

  void operator()(ConstAudioView in, AudioView out) {
    ++started;
    while (started.load() > allowed.load()) std::this_thread::sleep_for(100us);
    for (std::size_t c = 0; c < in.channels(); ++c) {
      for (std::size_t i = 0; i < in.frames(); ++i) out.channel(c)[i] = 2.0F * in.channel(c)[i];
    }
  }
  /// Block n has begun, so n - 1 are back.
  void wait_for(std::uint64_t blocks) const {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (started.load() < blocks && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(20us);
    }
    ASSERT_GE(started.load(), blocks);
  }
};

BlockFunction of(Doubler& doubler) {
  return [&doubler](ConstAudioView in, AudioView out) { doubler(in, out); };
}

void process(InferenceQueue& queue, std::span<float> samples) {
  const testing::RealtimeGuard guard;
  queue.process(ConstAudioView(samples), AudioView(samples));
}

TEST(InferenceQueue, DelaysByItsLatencyWhateverTheBlock) {
  for (const std::size_t most : {1U, 64U, 100U, 700U}) {
    Doubler doubler;
    InferenceQueue queue(of(doubler),
                         {.block_samples = 64, .host_samples = most, .poll_period = 50us});
    const Samples x = noise(20 * most + 3000, 1);
    Samples y(x);
    std::mt19937 random(2);
    for (std::size_t at = 0; at < x.size();) {
      const std::size_t count = std::min<std::size_t>(1 + random() % most, x.size() - at);
      process(queue, std::span(y).subspan(at, count));
      at += count;
      doubler.wait_for(at / 64);
    }
    EXPECT_EQ(queue.late_blocks(), 0U);
    EXPECT_EQ(queue.status(), Trouble::none);
    const std::size_t latency = queue.latency_samples();
    EXPECT_EQ(latency, 64 * (1 + (most + 127) / 64));
    for (std::size_t i = 0; i < x.size(); ++i) {
      ASSERT_EQ(y[i], i < latency ? 0.0F : 2.0F * x[i - latency]) << most << " " << i;
    }
  }
}

TEST(InferenceQueue, WhatIsNoNumberBecomesSilenceAndIsNoted) {
  for (const bool of_input : {true, false}) {
    std::atomic<std::uint64_t> done{0};
    InferenceQueue queue(
        [&](ConstAudioView in, AudioView out) {
          std::ranges::copy(in.channel(0), out.channel(0).begin());
          if (!of_input && done == 3) out.channel(0)[5] = INFINITY;
          ++done;
        },
        {.block_samples = 64, .host_samples = 64, .poll_period = 50us});
    Samples x = noise(64 * 12, 8);
    Samples expected(queue.latency_samples());
    expected.insert(expected.end(), x.begin(), x.end());
    expected[queue.latency_samples() + 64 * 3 + 5] = 0.0F;
    expected.resize(x.size());
    if (of_input) x[64 * 3 + 5] = NAN;
    for (std::size_t block = 0; block < 12; ++block) {
      process(queue, std::span(x).subspan(64 * block, 64));
      while (done <= block) std::this_thread::sleep_for(50us);
    }
    EXPECT_EQ(x, expected);
    EXPECT_EQ(queue.take_status(), of_input ? Trouble::input_replaced : Trouble::output_silenced);
    EXPECT_EQ(queue.late_blocks(), 0U);
  }
}

TEST(InferenceQueue, PutsSilenceOrTheInputInPlaceOfLateBlocksAndCatchesUp) {
  for (const LateBlock late : {LateBlock::silence, LateBlock::dry}) {
    Doubler doubler;
    InferenceQueue queue(
        of(doubler), {.block_samples = 32, .host_samples = 32, .late = late, .poll_period = 50us});
    ASSERT_EQ(queue.latency_samples(), 96U);
    const Samples x = noise(32 * 40, 3);
    Samples y(x);
    std::uint64_t settled = 0;
    for (std::size_t block = 0; block < 40; ++block) {
      // Blocks 10 to 13 do not come back in time; the queue holds four, so 14 and 15 are never
      // begun.
      if (block == 10) doubler.allowed = 10;
      if (block == 15) doubler.allowed = 1U << 30;
      process(queue, std::span(y).subspan(32 * block, 32));
      if (block < 10) doubler.wait_for(block + 1);
      if (block >= 15 && block <= 17) std::this_thread::sleep_for(50ms);  // it catches up
      if (block == 17) settled = doubler.started.load();
      if (block > 17) doubler.wait_for(settled + block - 17);
    }
    std::size_t stood_in = 0;
    for (std::size_t block = 3; block < 40; ++block) {
      const float* const from = x.data() + 32 * (block - 3);
      bool doubled = true, replaced = true;
      for (std::size_t i = 0; i < 32; ++i) {
        doubled = doubled && y[32 * block + i] == 2.0F * from[i];
        replaced = replaced && y[32 * block + i] == (late == LateBlock::dry ? from[i] : 0.0F);
      }
      EXPECT_TRUE(doubled || replaced) << block;
      EXPECT_TRUE(doubled || (block >= 13 && block <= 20)) << block;
      stood_in += replaced ? 1 : 0;
    }
    EXPECT_GE(stood_in, 3U);
    EXPECT_EQ(queue.late_blocks(), stood_in);
    EXPECT_EQ(queue.take_status(), Trouble::output_late);
  }
}

TEST(InferenceQueue, CountsAFunctionThatThrowsAsLate) {
  std::atomic<int> calls{0};
  InferenceQueue queue(
      [&](ConstAudioView, AudioView) {
        ++calls;
        throw std::runtime_error("no");
      },
      {.block_samples = 16, .host_samples = 16, .poll_period = 50us});
  Samples x(16, 1.0F);
  for (int block = 0; block < 20; ++block) {
    process(queue, x);
    while (calls.load() < block + 1 && block < 3) std::this_thread::sleep_for(50us);
    if (block < 3) continue;
    EXPECT_EQ(x, Samples(16, 0.0F));
  }
  EXPECT_EQ(queue.late_blocks(), 17U);
}

TEST(InferenceQueue, RunsAPlanWithItsStates) {
  InferenceQueue queue(doubling_plan({32, 2}), {}, {.host_samples = 32, .poll_period = 50us});
  AudioBuffer x(2, 32), y(2, 32);
  for (int block = 0; block < 30; ++block) {
    for (std::size_t c = 0; c < 2; ++c) {
      std::ranges::fill(x.channel(c), 100.0F * static_cast<float>(block) + static_cast<float>(c));
    }
    queue.process(x, y);
    std::this_thread::sleep_for(2ms);
    if (block < 3 || queue.late_blocks() > 0) continue;
    const auto n = static_cast<float>(block - 3);
    for (std::size_t c = 0; c < 2; ++c) {
      EXPECT_EQ(y.channel(c)[7], 200.0F * n + 2.0F * static_cast<float>(c) + n);
    }
  }
}

TEST(InferenceQueue, StartsAfreshAfterReset) {
  Doubler doubler;
  InferenceQueue queue(
      of(doubler),
      {.block_samples = 16, .host_samples = 16, .late = LateBlock::dry, .poll_period = 50us});
  Samples first;
  for (int pass = 0; pass < 2; ++pass) {
    doubler.started = 0;
    Samples x = noise(16 * 20 + 5, 4);
    for (std::size_t block = 0; block < 20; ++block) {
      process(queue, std::span(x).subspan(16 * block, 16));
      doubler.wait_for(block + 1);
    }
    process(queue, std::span(x).last(5));
    if (pass == 0) first = x;
    EXPECT_EQ(x, first);
    queue.reset();
  }
}

/// A worker that is now fast, now slow, beside an audio thread that comes in bursts: whatever is
/// heard is a whole block of the right place, or silence, and all silence is counted.
TEST(InferenceQueue, StaysRealtimeAndWholeUnderStress) {
  std::atomic<unsigned> calls{0};
  constexpr std::size_t kBlock = 256;
  InferenceQueue queue(
      [&](ConstAudioView in, AudioView out) {
        if (++calls % 50 == 0) std::this_thread::sleep_for(5ms);
        for (std::size_t i = 0; i < in.frames(); ++i) out.channel(0)[i] = in.channel(0)[i];
      },
      {.block_samples = kBlock, .host_samples = 2048, .poll_period = 100us});
  Samples x(64);
  float next = 1.0F;  // a float counts to 2^24
  std::size_t heard = 0;
  std::uint64_t silent = 0;
  const std::size_t latency = queue.latency_samples();
  for (std::size_t block = 0; block < 30'000; ++block) {
    for (float& v : x) v = next++;
    const float first = x[0];
    process(queue, x);
    if (block % 32 == 0) std::this_thread::sleep_for(1ms);
    const float due = first - static_cast<float>(latency);
    for (std::size_t i = 0; i < 64; ++i) {
      if (x[i] == 0.0F) continue;
      ASSERT_EQ(x[i], due + static_cast<float>(i)) << block;
      ++heard;
    }
    const bool begins = (block * 64) % kBlock == 0 && block * 64 >= latency;
    if (begins && x[0] == 0.0F) ++silent;
  }
  EXPECT_GT(heard, 0U);
  EXPECT_EQ(queue.late_blocks(), silent);
}

/// A function that blocks once is late for what it held up, and on time again at once: what is too
/// late is not run any more.
TEST(InferenceQueue, LeavesOutWhatIsTooLate) {
  Doubler doubler;
  InferenceQueue queue(
      of(doubler),
      {.block_samples = 16, .host_samples = 16, .work_samples = 80, .poll_period = 50us});
  ASSERT_EQ(queue.latency_samples(), 7 * 16U);
  doubler.allowed = 0;
  Samples x(16, 1.0F);
  // Eight fit; when the tenth begins, the results of the first three are overdue.
  for (int block = 0; block < 10; ++block) {
    process(queue, x);
    doubler.wait_for(1);
  }
  doubler.allowed = 1U << 30;
  doubler.wait_for(6);
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(doubler.started.load(), 6U);  // the first, and the last five of eight
  EXPECT_EQ(queue.late_blocks(), 3U);
}

TEST(InferenceQueue, RefusesWhatMakesNoSense) {
  const auto nothing = [](ConstAudioView, AudioView) {};
  EXPECT_THROW(InferenceQueue({}, {}), Error);
  EXPECT_THROW(InferenceQueue(nothing, {.channels = 0}), Error);
  EXPECT_THROW(InferenceQueue(nothing, {.block_samples = 0}), Error);
  EXPECT_THROW(InferenceQueue(nothing, {.host_samples = std::size_t{1} << 30}), Error);
  EXPECT_THROW(InferenceQueue(nothing, {.poll_period = 0us}), Error);
}

}  // namespace
}  // namespace metalaudio::nn
