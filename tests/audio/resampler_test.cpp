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
  const auto append = [&](ConstAudioView view) {
    const auto samples = view.channel(channel);
    out.insert(out.end(), samples.begin(), samples.end());
  };
  for (std::size_t first = 0; first < in.frames(); first += block)
    append(resampler.process(ConstAudioView(in).part(first, std::min(block, in.frames() - first))));
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

// int(new_sr * length / old_sr) of julius.resample_frac, which upstream resamples with; a file of
// one frame stays one.
TEST(Resampler, LengthIsTheRatioRoundedDown) {
  for (const auto& [from, to] : {std::pair{48000, 44100},
                                 {44100, 48000},
                                 {8000, 44100},
                                 {192000, 44100},
                                 {1000, 44100},
                                 {768000, 44100},
                                 {44100, 44101},
                                 {44100, 44100}})
    for (const std::size_t frames : {0, 1, 2, 3, 441, 10007}) {
      const double ratio = std::floor(static_cast<double>(frames) * to / from);
      const double expected = frames > 0 ? std::max(ratio, 1.0) : 0.0;
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

TEST(Resampler, AnotherLengthGoesOnWithTheSound) {
  // A falling step: its ringing after the end is part of the sound.
  AudioBuffer in(1, 1000);
  std::ranges::fill(in.channel(0), 0.5f);
  Resampler resampler(44100, 48000, 1);
  const std::size_t ready = resampler.process(in).frames();
  const ConstAudioView rest = resampler.flush(1200);
  EXPECT_EQ(ready + rest.frames(), 1200u);
  const auto after = rest.channel(0).subspan(1089 - ready, 4);
  EXPECT_GT(std::abs(after[0]) + std::abs(after[1]), 0.01f);
}

// Band-limited interpolation of an impulse is a sinc about it: its level below half the rate of
// both is that of the impulse, and its first moment stays where it was.
TEST(ResampleWhole, KeepsBothEndsOfAnImpulse) {
  for (const auto& [from, to] :
       {std::pair{48000, 44100}, {44100, 48000}, {96000, 44100}, {8000, 44100}, {44100, 44101}}) {
    for (const std::size_t frames : {1, 2000}) {
      AudioBuffer in(1, frames);
      in.channel(0)[0] = 1.0f;
      const Resampled out = resample_whole(in, from, to);
      const auto samples = out.samples.channel(0);
      double sum = 0.0;
      for (const float sample : samples) sum += double{sample};
      // The sum is the level at 0 Hz, which the gain of the rates multiplies.
      EXPECT_NEAR(sum * from / to, 1.0, 1e-5) << from << " to " << to << ", " << frames;
      const auto peak = std::ranges::max_element(samples) - samples.begin();
      EXPECT_EQ(peak, static_cast<std::ptrdiff_t>(out.lead)) << from << " to " << to;
      EXPECT_LT(std::abs(samples.front()), 1e-6f);
      EXPECT_LT(std::abs(samples.back()), 1e-6f);
      // A sinc is even; soxr interpolates its filter where the rates have no small ratio.
      for (std::size_t i = 1; i < 200 && i < out.lead && out.lead + i < samples.size(); ++i)
        ASSERT_NEAR(samples[out.lead - i], samples[out.lead + i], 1e-5) << from << " " << i;
    }
  }
}

TEST(ResampleWhole, EqualRatesGiveTheSamples) {
  const AudioBuffer in = noise(2, 100);
  const Resampled out = resample_whole(in, 44100, 44100);
  EXPECT_EQ(out.lead, 0u);
  EXPECT_TRUE(std::ranges::equal(out.samples.channel(1), in.channel(1)));
}

// What the stream gives, but for its first frames: soxr's second stage lacks what the first one
// rings before them.
TEST(ResampleWhole, AgreesWithTheStream) {
  const AudioBuffer in = noise(1, 3000);
  const auto stream = resample(in, 48000, 44100, 3000);
  const Resampled whole = resample_whole(in, 48000, 44100);
  for (std::size_t i = 5; i < stream.size(); ++i)
    ASSERT_NEAR(whole.samples.channel(0)[whole.lead + i], stream[i], 1e-6) << i;
}

TEST(Resampler, ResetStartsAnew) {
  const AudioBuffer in = noise(1, 5000);
  Resampler resampler(48000, 44100, 1);
  resampler.process(in);
  resampler.flush();
  EXPECT_THROW(resampler.process(in), Error);
  resampler.reset();
  const ConstAudioView out = resampler.process(in);
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
