#include <metalaudio/core/error.h>
#include <metalaudio/dsp/limiter_gain.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "realtime_guard.h"

namespace metalaudio::dsp {
namespace {

using Samples = std::vector<float>;

/// The gain of each frame, the limiter's latency taken out.
Samples gains_of(const Samples& peaks, const LimiterGainOptions& options = {},
                 std::size_t block = 1000) {
  LimiterGain limiter(48000, options);
  const std::size_t late = limiter.latency_samples();
  Samples padded = peaks;
  padded.resize(peaks.size() + late, 0.0F);
  Samples gains(padded.size());
  for (std::size_t at = 0; at < padded.size(); at += block) {
    const std::size_t count = std::min(block, padded.size() - at);
    limiter.process(std::span(padded).subspan(at, count), std::span(gains).subspan(at, count));
  }
  gains.erase(gains.begin(), gains.begin() + static_cast<std::ptrdiff_t>(late));
  return gains;
}

Samples random_peaks(std::size_t count) {
  std::mt19937 random(3);
  std::exponential_distribution<float> distribution(3.0F);
  Samples peaks(count);
  for (float& peak : peaks) peak = distribution(random);
  return peaks;
}

TEST(LimiterGain, KeepsEveryPeakBelowTheCeiling) {
  for (const double attack : {0.0, 0.001, 0.005, 0.1}) {
    const LimiterGainOptions options{.ceiling = 0.5F, .attack_seconds = attack};
    const Samples peaks = random_peaks(48000);
    const Samples gains = gains_of(peaks, options);
    // A float's rounding of the gain.
    for (std::size_t i = 0; i < peaks.size(); ++i)
      ASSERT_LE(peaks[i] * gains[i], 0.5F * (1.0F + 3e-7F)) << i;
  }
}

TEST(LimiterGain, LeavesAloneWhatIsBelowTheCeiling) {
  Samples peaks(48000, 0.89F);
  for (const float gain : gains_of(peaks)) ASSERT_EQ(gain, 1.0F);
}

TEST(LimiterGain, FallsBeforeAPeakAndComesBackBehindIt) {
  Samples peaks(48000, 0.0F);
  peaks[24000] = 1.782502F;  // 6.02 dB over the ceiling
  const Samples gains = gains_of(peaks);
  EXPECT_EQ(gains[24000 - 241], 1.0F);
  EXPECT_NEAR(gains[24000 - 120], 0.75, 0.01) << "a straight line of 5 ms";
  EXPECT_NEAR(gains[24000], 0.5, 1e-6);
  // The mean over the attack lags by half of it.
  EXPECT_NEAR(gains[24000 + 4800], 1.0 - 0.5 * std::exp(-1.0), 0.02) << "100 ms back";
  EXPECT_GT(gains.back(), 0.99F);
}

TEST(LimiterGain, DoesNotDependOnBlocks) {
  const Samples peaks = random_peaks(10000);
  const Samples whole = gains_of(peaks, {}, 20000);
  for (const std::size_t block : {1, 7, 240, 241}) EXPECT_EQ(gains_of(peaks, {}, block), whole);
}

TEST(LimiterGain, StaysAtOneAfterHours) {
  LimiterGain limiter(48000);
  const Samples loud = random_peaks(48000);
  Samples gains(48000);
  for (int second = 0; second < 600; ++second) limiter.process(loud, gains);
  const Samples quiet(48000, 0.0F);
  for (int second = 0; second < 10; ++second) limiter.process(quiet, gains);
  EXPECT_EQ(gains.back(), 1.0F);
}

TEST(LimiterGain, ProcessesInRealtime) {
  LimiterGain limiter(48000);
  const Samples peaks = random_peaks(48000);
  Samples gains(48000);
  {
    const testing::RealtimeGuard guard;
    limiter.process(peaks, gains);
    limiter.reset();
  }
}

TEST(LimiterGain, RefusesWhatIsNoLimit) {
  EXPECT_THROW(LimiterGain(0), Error);
  EXPECT_THROW(LimiterGain(48000, {.ceiling = 0.0F}), Error);
  EXPECT_THROW(LimiterGain(48000, {.ceiling = NAN}), Error);
  EXPECT_THROW(LimiterGain(48000, {.attack_seconds = -1.0}), Error);
  EXPECT_THROW(LimiterGain(48000, {.release_seconds = 11.0}), Error);
}

}  // namespace
}  // namespace metalaudio::dsp
