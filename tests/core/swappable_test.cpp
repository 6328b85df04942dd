#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/realtime/swappable.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/realtime_guard.h"

namespace metalaudio {
namespace {

/// Multiplies, and knows on which thread it goes.
struct Gain {
  explicit Gain(float value, std::atomic<int>* alive_gains = nullptr)
      : gain(value), alive(alive_gains), home(std::this_thread::get_id()) {
    if (alive != nullptr) ++*alive;
  }
  ~Gain() {
    EXPECT_EQ(std::this_thread::get_id(), home);
    if (alive != nullptr) --*alive;
  }
  Gain(const Gain&) = delete;
  Gain& operator=(const Gain&) = delete;
  void process(ConstAudioView in, AudioView out) noexcept {
    for (std::size_t c = 0; c < in.channels(); ++c) {
      for (std::size_t i = 0; i < in.frames(); ++i) out.channel(c)[i] = gain * in.channel(c)[i];
    }
  }
  float gain;
  std::atomic<int>* alive;
  std::thread::id home;
};

std::vector<float> run_ones(Swappable<Gain>& gains, std::size_t frames, std::size_t block) {
  const std::vector<float> ones(frames, 1.0F);
  std::vector<float> out(frames);
  for (std::size_t at = 0; at < frames; at += block) {
    const std::size_t count = std::min(block, frames - at);
    gains.process(ConstAudioView(std::span(ones).subspan(at, count)),
                  AudioView(std::span(out).subspan(at, count)));
  }
  return out;
}

TEST(Swappable, FadesInAStraightLineWhateverTheBlock) {
  for (const std::size_t block : {1U, 7U, 64U, 4096U}) {
    Swappable<Gain> gains(std::make_unique<Gain>(1.0F), {.crossfade_samples = 100});
    EXPECT_EQ(run_ones(gains, 50, block), std::vector<float>(50, 1.0F));
    gains.swap(std::make_unique<Gain>(-1.0F));
    const auto out = run_ones(gains, 200, block);
    for (std::size_t i = 0; i < 200; ++i) {
      const float part = std::min(1.0F, static_cast<float>(i + 1) / 101.0F);
      EXPECT_NEAR(out[i], 1.0F - 2.0F * part, 1e-6F) << block << " " << i;
    }
  }
}

TEST(Swappable, OfSeveralSwapsTheLastCountsAfterTheFadeUnderWay) {
  std::atomic<int> alive{0};
  Swappable<Gain> gains(std::make_unique<Gain>(1.0F, &alive), {.crossfade_samples = 64});
  gains.swap(std::make_unique<Gain>(2.0F, &alive));
  run_ones(gains, 32, 32);
  for (const float gain : {3.0F, 4.0F, 5.0F}) gains.swap(std::make_unique<Gain>(gain, &alive));
  EXPECT_EQ(alive.load(), 3);  // in the fade two, and the last
  const auto out = run_ones(gains, 200, 10);
  for (const float v : out) EXPECT_GE(v, 1.0F);
  EXPECT_NEAR(out[31], 1.0F + 64.0F / 65.0F, 1e-6F);
  EXPECT_EQ(out.back(), 5.0F);
  EXPECT_EQ(alive.load(), 3);
  gains.collect();
  EXPECT_EQ(alive.load(), 1);
}

TEST(Swappable, SwapsAtOnceWithoutAFadeAndEndsOneOnDemand) {
  Swappable<Gain> at_once(std::make_unique<Gain>(1.0F), {.crossfade_samples = 0});
  at_once.swap(std::make_unique<Gain>(2.0F));
  EXPECT_EQ(run_ones(at_once, 10, 4), std::vector<float>(10, 2.0F));
  Swappable<Gain> slow(std::make_unique<Gain>(1.0F), {.crossfade_samples = 1000});
  slow.swap(std::make_unique<Gain>(2.0F));
  run_ones(slow, 10, 10);
  slow.skip_fade();
  EXPECT_EQ(run_ones(slow, 10, 10), std::vector<float>(10, 2.0F));
}

TEST(Swappable, RefusesNothingInPlaceOfAProcessor) {
  EXPECT_THROW(Swappable<Gain>(nullptr, {}), Error);
  EXPECT_THROW(Swappable<Gain>(std::make_unique<Gain>(1.0F), {.channels = 0}), Error);
  Swappable<Gain> gains(std::make_unique<Gain>(1.0F), {});
  EXPECT_THROW(gains.swap(nullptr), Error);
  EXPECT_EQ(run_ones(gains, 4, 4), std::vector<float>(4, 1.0F));
}

/// One thread swaps, the other plays under the guard; no step is larger than the fade's. Nothing
/// is destroyed on the audio thread, and nothing stays. The long tests run it for a minute.
TEST(Swappable, IsSwappedEveryHundredBlocksInRealtime) {
  const char* const told = std::getenv("METALAUDIO_SWAP_SECONDS");
  const std::chrono::duration<double> length(told != nullptr ? std::atof(told) : 1.0);
  std::atomic<int> alive{0};
  {
    Swappable<Gain> gains(std::make_unique<Gain>(1.0F, &alive), {.crossfade_samples = 256});
    std::atomic<int> played{0};
    std::atomic<bool> stop{false};
    std::thread audio([&] {
      const std::vector<float> ones(64, 1.0F);
      std::vector<float> out(64);
      float last = 1.0F;
      float largest_step = 0.0F;
      while (!stop.load()) {
        {
          const testing::RealtimeGuard guard;
          gains.process(ConstAudioView(std::span(ones)), AudioView(std::span(out)));
        }
        for (const float v : out) {
          largest_step = std::max(largest_step, std::abs(v - last));
          last = v;
        }
        if (++played % 64 == 0) std::this_thread::yield();
      }
      EXPECT_LT(largest_step, 1.0F / 256.0F + 1e-5F);  // gains are 0 and 1
    });
    const auto end = std::chrono::steady_clock::now() + length;
    int swaps = 0;
    while (std::chrono::steady_clock::now() < end) {
      if (played.load() < 100 * swaps) {
        std::this_thread::yield();
        continue;
      }
      gains.swap(std::make_unique<Gain>(static_cast<float>(++swaps % 2), &alive));
      EXPECT_LE(alive.load(), 4);
    }
    stop = true;
    audio.join();
    EXPECT_GE(swaps, 10);
  }
  EXPECT_EQ(alive.load(), 0);
}

}  // namespace
}  // namespace metalaudio
