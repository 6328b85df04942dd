#include "test_files.h"

#include <metalaudio/audio/resampler.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

namespace metalaudio::audio {
namespace {

/// Channel `channel` of the whole stream, fed in blocks of this size.
std::vector<float> resample(const AudioBuffer& in, int from, int to, std::size_t block,
                            std::size_t channel = 0) {
  Resampler resampler(from, to, in.channels());
  std::vector<float> out;
  const auto append = [&](AudioView view) {
    const auto samples = view.channel(channel);
    out.insert(out.end(), samples.begin(), samples.end());
  };
  for (std::size_t first = 0; first < in.frames(); first += block)
    append(resampler.process(AudioView(in).part(first, std::min(block, in.frames() - first))));
  append(resampler.flush());
  return out;
}

/// Amplitude of a tone in the middle half of the samples, through a Hann window.
double amplitude(const std::vector<float>& samples, double frequency_hz, double rate_hz) {
  const std::size_t count = samples.size() / 2;
  std::complex<double> sum = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    const double phase = 2.0 * std::numbers::pi * static_cast<double>(i);
    const double window = 0.5 - 0.5 * std::cos(phase / static_cast<double>(count));
    sum += window * std::polar(1.0, -phase * frequency_hz / rate_hz) *
           double{samples[samples.size() / 4 + i]};
  }
  return std::abs(sum) * 4.0 / static_cast<double>(count);
}

double decibels(double ratio) { return 20.0 * std::log10(std::max(ratio, 1e-12)); }

TEST(Resampler, LengthIsTheRoundedRatio) {
  for (const auto& [from, to] : {std::pair{48000, 44100},
                                 {44100, 48000},
                                 {8000, 44100},
                                 {192000, 44100},
                                 {1000, 44100},
                                 {768000, 44100},
                                 {44100, 44101},
                                 {44100, 44100}})
    for (const std::size_t frames : {0, 1, 2, 3, 441, 10007}) {
      const double expected = std::floor(static_cast<double>(frames) * to / from + 0.5);
      EXPECT_EQ(resample(noise(2, frames), from, to, 100).size(), expected)
          << from << " to " << to << ", " << frames << " frames";
    }
}

TEST(Resampler, DoesNotDependOnTheBlocks) {
  const AudioBuffer in = noise(2, 20000);
  for (const auto& [from, to] : {std::pair{48000, 44100}, {44100, 48000}, {44100, 44101}}) {
    const auto whole = resample(in, from, to, in.frames(), 1);
    for (const std::size_t block : {1, 7, 64, 480, 4096})
      EXPECT_EQ(resample(in, from, to, block, 1), whole) << from << " to " << to << ", " << block;
  }
}

TEST(Resampler, ToneStaysInTimeAndLevel) {
  const AudioBuffer in = tones(1, 48000, 48000, 1000.0);
  const AudioBuffer expected = tones(1, 44100, 44100, 1000.0);
  AudioBuffer out(1, 44100);
  std::ranges::copy(resample(in, 48000, 44100, 1000), out.channel(0).begin());
  // 95 dB: the corners of the fades are not band-limited. A shift by one sample would leave 17 dB.
  EXPECT_GT(snr_db(expected, out), 90.0);
}

TEST(Resampler, PassesUpTo91PercentOfTheLowerNyquist) {
  for (const auto& [from, to] : {std::pair{48000, 44100}, {44100, 48000}, {96000, 44100}})
    for (const double part : {0.01, 0.5, 0.91}) {
      const double frequency = part * std::min(from, to) / 2;
      const auto out = resample(tones(1, 40000, from, frequency), from, to, 4096);
      EXPECT_NEAR(decibels(amplitude(out, frequency, to) / 0.5), 0.0, 0.01) << from << " " << part;
    }
}

// What the lower rate cannot hold is gone, below the float's noise in this measure.
TEST(Resampler, StopsWhatWouldAlias) {
  for (const double frequency : {22100.0, 23000.0, 30000.0, 47000.0}) {
    const auto out = resample(tones(1, 60000, 96000, frequency), 96000, 44100, 4096);
    const double alias = std::abs(frequency - 44100.0 * std::round(frequency / 44100.0));
    EXPECT_LT(decibels(amplitude(out, alias, 44100) / 0.5), -140.0) << frequency;
  }
}

TEST(Resampler, NeverHoldsMoreThanItsLatency) {
  for (const auto& [from, to] : {std::pair{48000, 44100}, {44100, 48000}, {44100, 44100}}) {
    Resampler resampler(from, to, 1);
    const auto latency = static_cast<double>(resampler.latency_samples());
    const AudioBuffer one = noise(1, 1);
    double out = 0;
    double most_held = 0;
    for (int frame = 1; frame <= 40000; ++frame) {
      out += static_cast<double>(resampler.process(one).frames());
      most_held = std::max(most_held, frame - out * from / to);
    }
    EXPECT_LE(most_held, latency);
    EXPECT_GT(most_held, latency - 2);
  }
}

TEST(Resampler, ResetStartsAnew) {
  const AudioBuffer in = noise(1, 5000);
  Resampler resampler(48000, 44100, 1);
  resampler.process(in);
  resampler.flush();
  EXPECT_THROW(resampler.process(in), Error);
  resampler.reset();
  const AudioView out = resampler.process(in);
  const auto expected = resample(in, 48000, 44100, 5000);
  ASSERT_GT(out.frames(), 0u);
  EXPECT_TRUE(std::ranges::equal(out.channel(0), std::span(expected).first(out.frames())));
}

TEST(Resampler, RefusesRatesAndChannelsOfNought) {
  EXPECT_THROW(Resampler(0, 44100, 1), Error);
  EXPECT_THROW(Resampler(44100, -1, 1), Error);
  EXPECT_THROW(Resampler(44100, 48000, 0), Error);
  EXPECT_THROW(Resampler(44100, 48000, 1).process(noise(2, 10)), Error);
}

}  // namespace
}  // namespace metalaudio::audio
