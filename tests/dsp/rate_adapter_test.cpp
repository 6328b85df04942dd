#include <metalaudio/core/error.h>
#include <metalaudio/dsp/rate_adapter.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "realtime_guard.h"
#include "signals.h"
#include "tones.h"

namespace metalaudio::dsp {
namespace {

using Samples = std::vector<float>;

void pass_through(ConstAudioView in, AudioView out) {
  for (std::size_t c = 0; c < in.channels(); ++c) {
    std::ranges::copy(in.channel(c), out.channel(c).begin());
  }
}

/// In place, in blocks of random sizes up to `most`.
Samples run(RateAdapter& adapter, const Samples& x, std::size_t most, unsigned seed = 1) {
  std::mt19937 random(seed);
  Samples y(x);
  for (std::size_t at = 0; at < x.size();) {
    const std::size_t count = std::min<std::size_t>(1 + random() % most, x.size() - at);
    const AudioView block{std::span<float>(y.data() + at, count)};
    adapter.process(block, block);
    at += count;
  }
  return y;
}

const double kHostRates[] = {8000, 44100, 48000, 88200, 96000, 192000, 44100.5};

TEST(RateAdapter, DelaysByWhatItReportsAtEveryRateAndBlock) {
  for (const double host : kHostRates) {
    for (const double model : {48000.0, 44100.0, 16000.0}) {
      for (const std::size_t block : {0U, 1U, 64U, 100U, 1024U}) {
        RateAdapter adapter(host, model, {.block_samples = block}, [&](auto in, auto out) {
          EXPECT_TRUE(block == 0 || in.frames() == block);
          EXPECT_LE(in.frames(), 4096U);
          EXPECT_EQ(in.frames(), out.frames());
          pass_through(in, out);
        });
        const auto latency = static_cast<double>(adapter.latency_samples());
        const double cycles = 0.35 * std::min(host, model) / host;
        const auto y = run(adapter, sine(cycles, 6000 + 2 * adapter.latency_samples()), 300);
        // Two resamplings of 120 dB.
        EXPECT_LT(deviation_db(y, sine(cycles, y.size(), latency)), -114.0)
            << host << " " << model << " " << block;
      }
    }
  }
}

TEST(RateAdapter, CountsTheLatencyOfTheProcessor) {
  // 30 samples late, at its own rate.
  Samples held(30);
  const auto late = [&](ConstAudioView in, AudioView out) {
    for (std::size_t i = 0; i < in.frames(); ++i) {
      held.push_back(in.channel(0)[i]);
      out.channel(0)[i] = held[held.size() - 31];
    }
  };
  RateAdapter adapter(44100, 48000, {.latency_samples = 30}, late);
  const auto y = run(adapter, sine(0.1, 8000), 64);
  EXPECT_LT(deviation_db(y, sine(0.1, y.size(), double(adapter.latency_samples()))), -114.0);
}

TEST(RateAdapter, DoesNotDependOnTheBlocks) {
  const auto x = noise(20000, 2);
  for (const double host : kHostRates) {
    for (const std::size_t block : {0U, 128U}) {
      RateAdapter adapter(host, 48000, {.block_samples = block}, pass_through);
      const auto expected = run(adapter, x, 64);
      for (const std::size_t most : {1U, 500U, 4096U, 20000U}) {
        adapter.reset();
        EXPECT_EQ(run(adapter, x, most, unsigned(most)), expected) << host << " " << most;
      }
    }
  }
}

TEST(RateAdapter, AtEqualRatesIsTheProcessor) {
  const auto x = noise(1000, 3);
  RateAdapter adapter(48000, 48000, {}, pass_through);
  EXPECT_EQ(adapter.latency_samples(), 0U);
  EXPECT_EQ(run(adapter, x, 99), x);
}

TEST(RateAdapter, MakesSilenceOfBadSamplesOfTheHostAndTheProcessor) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  bool broken = false;
  RateAdapter adapter(44100, 48000, {}, [&](ConstAudioView in, AudioView out) {
    pass_through(in, out);
    if (broken) out.channel(0)[0] = nan;
  });
  auto x = noise(1000, 6);
  x[300] = nan;
  for (const float v : run(adapter, x, 64)) ASSERT_TRUE(std::isfinite(v));
  EXPECT_EQ(adapter.take_status(), Trouble::input_replaced);
  broken = true;
  for (const float v : run(adapter, noise(1000, 7), 64)) ASSERT_TRUE(std::isfinite(v));
  EXPECT_EQ(adapter.take_status(), Trouble::input_replaced);
  EXPECT_EQ(adapter.take_status(), Trouble::none);
}

// However far apart the rates are, and whatever the block: nothing runs dry (asserted within).
TEST(RateAdapter, NeverRunsDry) {
  for (const auto& [host, model] : {std::pair(8000.0, 768000.0),
                                    {768000.0, 8000.0},
                                    {44100.0, 44101.0},
                                    {1000.0, 255999.0},
                                    {255999.0, 1000.0}}) {
    for (const std::size_t block : {0U, 37U}) {
      RateAdapter adapter(host, model, {.channels = 2, .block_samples = block, .passband = 0.3},
                          pass_through);
      std::mt19937 random(4);
      AudioBuffer in(2, 700), out(2, 700);
      for (int n = 0; n < 300; ++n) {
        const std::size_t frames = random() % (n % 3 == 0 ? 700 : 5);
        adapter.process(in.view().part(0, frames), out.view().part(0, frames));
      }
    }
  }
}

TEST(RateAdapter, RunsHundredThousandBlocksInRealtime) {
  RateAdapter adapter(44100, 48000, {.block_samples = 64, .passband = 0.5}, pass_through);
  const auto x = noise(64, 5);
  Samples y(64);
  for (int block = 0; block < 100'000; ++block) {
    metalaudio::testing::RealtimeGuard guard;
    adapter.process(ConstAudioView(std::span(x)), AudioView(std::span(y)));
  }
}

TEST(RateAdapter, RefusesWhatMakesNoSense) {
  EXPECT_THROW(RateAdapter(44100, 48000, {}, {}), Error);
  EXPECT_THROW(RateAdapter(0, 48000, {}, pass_through), Error);
  EXPECT_THROW(RateAdapter(48000, 0, {}, pass_through), Error);
  EXPECT_THROW(RateAdapter(48000, 44100, {.channels = 0}, pass_through), Error);
  EXPECT_THROW(RateAdapter(48000, 44100, {.block_samples = std::size_t{1} << 40}, pass_through),
               Error);
}

}  // namespace
}  // namespace metalaudio::dsp
