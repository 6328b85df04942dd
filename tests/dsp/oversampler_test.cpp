#include <metalaudio/core/error.h>
#include <metalaudio/dsp/oversampler.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "realtime_guard.h"
#include "signals.h"
#include "tones.h"

namespace metalaudio::dsp {
namespace {

using Samples = std::vector<float>;

template <typename Process>
Samples run(Oversampler& oversampler, const Samples& x, std::size_t block, Process&& process) {
  Samples y(x.size());
  for (std::size_t at = 0; at < x.size(); at += block) {
    const std::size_t count = std::min(block, x.size() - at);
    oversampler.process(ConstAudioView(std::span(x).subspan(at, count)),
                        AudioView(std::span(y).subspan(at, count)), process);
  }
  return y;
}

/// What is left of the second half after its part at this frequency is taken off.
double rest_db(const Samples& y, double cycles_per_sample) {
  double ss = 0, cc = 0, sc = 0, ys = 0, yc = 0;
  const auto at = [&](std::size_t i) {
    const double phase = 2.0 * std::numbers::pi * cycles_per_sample * static_cast<double>(i);
    return std::pair(std::sin(phase), std::cos(phase));
  };
  for (std::size_t i = y.size() / 2; i < y.size(); ++i) {
    const auto [s, c] = at(i);
    ss += s * s, cc += c * c, sc += s * c, ys += y[i] * s, yc += y[i] * c;
  }
  const double determinant = ss * cc - sc * sc;
  const double a = (ys * cc - yc * sc) / determinant, b = (yc * ss - ys * sc) / determinant;
  double sum = 0;
  for (std::size_t i = y.size() / 2; i < y.size(); ++i) {
    const auto [s, c] = at(i);
    sum += std::pow(y[i] - a * s - b * c, 2.0);
  }
  return decibels(std::sqrt(2.0 * sum / (static_cast<double>(y.size()) / 2.0)));
}

const std::size_t kFactors[] = {1, 2, 4, 8};
constexpr double kPassband = 20.0 / 44.1;

TEST(Oversampler, GivesTheDelayedSineOverThePassBand) {
  for (const std::size_t factor : kFactors) {
    for (const double part : {0.001, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0}) {
      Oversampler oversampler(factor);
      const auto x = sine(part * kPassband, 4000);
      const auto y = run(oversampler, x, 64, [](AudioView) {});
      const auto latency = static_cast<double>(oversampler.latency_samples());
      EXPECT_LT(deviation_db(y, sine(part * kPassband, y.size(), latency)), -100.0)
          << factor << " at " << part;
    }
  }
}

TEST(Oversampler, MakesNoImages) {
  for (const std::size_t factor : {2U, 4U, 8U}) {
    for (const double part : {0.01, 0.3, 0.6, 0.9, 1.0}) {
      Oversampler oversampler(factor);
      Samples high;
      run(oversampler, sine(part * kPassband, 3000), 100, [&](AudioView block) {
        high.insert(high.end(), block.channel(0).begin(), block.channel(0).end());
      });
      ASSERT_EQ(high.size(), 3000 * factor);
      EXPECT_LT(rest_db(high, part * kPassband / static_cast<double>(factor)), -100.0)
          << factor << " at " << part;
    }
  }
}

TEST(Oversampler, CutsOffWhatWouldFoldIntoThePassBand) {
  for (const std::size_t factor : {2U, 4U, 8U}) {
    for (int fold = 1; fold <= int(factor) / 2; ++fold) {
      for (const double offset : {-kPassband, -0.3, -0.1, 0.02, 0.25, kPassband}) {
        const double cycles = (fold + offset) / static_cast<double>(factor);
        if (cycles > 0.5) continue;
        Oversampler oversampler(factor);
        std::size_t at = 0;
        const auto tone = sine(cycles, 4000 * factor);
        const auto y = run(oversampler, Samples(4000), 128, [&](AudioView block) {
          std::copy_n(tone.begin() + std::ptrdiff_t(at), block.frames(), block.channel(0).begin());
          at += block.frames();
        });
        EXPECT_LT(deviation_db(y, Samples(y.size())), -100.0) << factor << " " << cycles;
      }
    }
  }
}

// The cube of a tone of 9 kHz at 44.1 has one at 27 kHz, which folds to 17.1 kHz.
TEST(Oversampler, ADistortionDoesNotFold) {
  const double cycles = 9.0 / 44.1;
  const auto cube = [](AudioView block) {
    for (float& v : block.channel(0)) v = v * v * v;
  };
  Oversampler plain(1), twice(2);
  const auto x = sine(cycles, 4000);
  EXPECT_GT(rest_db(run(plain, x, 64, cube), cycles), -13.0);  // 1/4
  EXPECT_LT(rest_db(run(twice, x, 64, cube), cycles), -100.0);
}

TEST(Oversampler, DoesNotDependOnTheBlocksAndKeepsChannelsApart) {
  const auto a = noise(5000, 1), b = noise(5000, 2);
  const auto bend = [](AudioView block) {
    for (std::size_t c = 0; c < block.channels(); ++c) {
      for (float& v : block.channel(c)) v = v / (1.0F + std::abs(v));
    }
  };
  for (const std::size_t factor : kFactors) {
    Oversampler one(factor), two(factor, {.channels = 2, .most_frames = 100});
    const auto expected_a = run(one, a, 512, bend);
    for (const std::size_t block : {1U, 7U, 64U, 4096U}) {
      one.reset();
      EXPECT_EQ(run(one, a, block, bend), expected_a) << factor << " " << block;
    }
    one.reset();
    const auto expected_b = run(one, b, 512, bend);
    Samples y_a(a), y_b(b);
    float* both[] = {y_a.data(), y_b.data()};
    const AudioView in_place(both, 2, a.size());
    two.process(in_place, in_place, bend);
    EXPECT_EQ(y_a, expected_a);
    EXPECT_EQ(y_b, expected_b);
  }
}

TEST(Oversampler, WhatIsNoNumberBecomesSilenceAndIsNoted) {
  const auto x = noise(640, 4);
  const auto nothing = [](AudioView) {};
  for (const std::size_t factor : kFactors) {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                            -std::numeric_limits<float>::infinity(), 2e30F}) {
      Oversampler oversampler(factor), zeroed(factor);
      auto broken = x, silent = x;
      broken[100] = bad, silent[100] = 0.0F;
      EXPECT_EQ(run(oversampler, broken, 64, nothing), run(zeroed, silent, 64, nothing));
      EXPECT_EQ(oversampler.take_status(), Trouble::input_replaced);
      EXPECT_EQ(zeroed.status(), Trouble::none);
      // The same of what the processor makes.
      run(oversampler, x, 64, [&](AudioView block) { block.channel(0)[3] = bad; });
      EXPECT_EQ(oversampler.take_status(), Trouble::output_silenced);
      oversampler.reset(), zeroed.reset();
      EXPECT_EQ(run(oversampler, x, 64, nothing), run(zeroed, x, 64, nothing));
      EXPECT_EQ(oversampler.status(), Trouble::none);
    }
  }
}

TEST(Oversampler, RunsHundredThousandBlocksInRealtime) {
  Oversampler oversampler(4);
  const auto x = noise(64, 3);
  Samples y(64);
  for (int block = 0; block < 100'000; ++block) {
    metalaudio::testing::RealtimeGuard guard;
    oversampler.process(ConstAudioView(std::span(x)), AudioView(std::span(y)), [](AudioView) {});
  }
}

TEST(Oversampler, RefusesWhatMakesNoSense) {
  for (const std::size_t factor : {0U, 3U, 16U}) EXPECT_THROW(Oversampler{factor}, Error);
  EXPECT_THROW(Oversampler(2, {.channels = 0}), Error);
  EXPECT_THROW(Oversampler(2, {.most_frames = 0}), Error);
  EXPECT_THROW(Oversampler(2, {.passband = 0.5}), Error);
  EXPECT_THROW(Oversampler(2, {.passband = std::numeric_limits<double>::quiet_NaN()}), Error);
}

}  // namespace
}  // namespace metalaudio::dsp
