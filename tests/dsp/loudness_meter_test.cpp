#include <metalaudio/core/error.h>
#include <metalaudio/dsp/loudness_meter.h>

#include <ebur128.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <random>
#include <vector>

#include "realtime_guard.h"

namespace metalaudio::dsp {
namespace {

double amplitude(double decibels) { return std::pow(10.0, decibels / 20.0); }

/// Parts of a sine, one after the other, the same on all channels.
class Signal {
 public:
  Signal(int rate, std::size_t channels) : rate_(rate), channels_(channels) {}

  Signal& sine(double decibels, double seconds, double frequency_hz = 1000.0) {
    const auto count = static_cast<std::size_t>(seconds * rate_);
    for (std::size_t i = 0; i < count; ++i)
      samples_.push_back(
          static_cast<float>(amplitude(decibels) * std::sin(2.0 * std::numbers::pi * frequency_hz *
                                                            static_cast<double>(i) / rate_)));
    return *this;
  }

  AudioBuffer buffer() const {
    AudioBuffer result(channels_, samples_.size());
    for (std::size_t c = 0; c < channels_; ++c)
      std::ranges::copy(samples_, result.channel(c).begin());
    return result;
  }

 private:
  int rate_;
  std::size_t channels_;
  std::vector<float> samples_;
};

Loudness measure(const AudioBuffer& sound, int rate, std::size_t block = 4096) {
  LoudnessMeter meter(rate, sound.channels());
  for (std::size_t first = 0; first < sound.frames(); first += block)
    meter.process(ConstAudioView(sound).part(first, std::min(block, sound.frames() - first)));
  return meter.finish();
}

/// The tests of the EBU, with their tolerances: ±0.1 LU.
TEST(LoudnessMeter, MeetsTheProgrammesOfTech3341) {
  const int rate = 48000;
  const auto expect = [&](double lufs, const Signal& signal) {
    EXPECT_NEAR(measure(signal.buffer(), rate).integrated_lufs, lufs, 0.1);
  };
  expect(-23.0, Signal(rate, 2).sine(-23.0, 20.0));
  expect(-33.0, Signal(rate, 2).sine(-33.0, 20.0));
  expect(-23.0, Signal(rate, 2).sine(-36.0, 10.0).sine(-23.0, 60.0).sine(-36.0, 10.0));
  expect(-23.0, Signal(rate, 2)
                    .sine(-72.0, 10.0)
                    .sine(-36.0, 10.0)
                    .sine(-23.0, 60.0)
                    .sine(-36.0, 10.0)
                    .sine(-72.0, 10.0));
  expect(-23.0, Signal(rate, 2).sine(-26.0, 20.0).sine(-20.0, 20.1).sine(-26.0, 20.0));
}

TEST(LoudnessMeter, WeighsTheChannelsOfFivePointOneAsTech3341) {
  const int rate = 48000;
  AudioBuffer sound(6, 20 * 48000);
  // Front, centre, LFE, back.
  const double levels[] = {-28.0, -28.0, -24.0, 0.0, -30.0, -30.0};
  for (std::size_t c = 0; c < 6; ++c) {
    const AudioBuffer one = Signal(rate, 1).sine(levels[c], 20.0).buffer();
    std::ranges::copy(one.channel(0), sound.channel(c).begin());
  }
  EXPECT_NEAR(measure(sound, rate).integrated_lufs, -23.0, 0.1);
}

TEST(LoudnessMeter, FollowsTheLastSecondsAsTech3341) {
  const int rate = 48000;
  LoudnessMeter meter(rate, 2);
  const AudioBuffer sound = Signal(rate, 2).sine(-23.0, 3.0).sine(-33.0, 1.0).buffer();
  const ConstAudioView view(sound);
  meter.process(view.part(0, 3 * 48000));
  EXPECT_NEAR(meter.short_term_lufs(), -23.0, 0.1);
  EXPECT_NEAR(meter.momentary_lufs(), -23.0, 0.1);
  meter.process(view.part(3 * 48000, 48000));
  EXPECT_NEAR(meter.momentary_lufs(), -33.0, 0.1);
}

/// Tolerance of the standard: ±1 LU.
TEST(LoudnessMeter, MeetsTheRangesOfTech3342) {
  const int rate = 48000;
  const auto expect = [&](double range, const Signal& signal) {
    EXPECT_NEAR(measure(signal.buffer(), rate).range_lu, range, 1.0);
  };
  expect(10.0, Signal(rate, 2).sine(-20.0, 20.0).sine(-30.0, 20.0));
  expect(5.0, Signal(rate, 2).sine(-20.0, 20.0).sine(-15.0, 20.0));
  expect(20.0, Signal(rate, 2).sine(-40.0, 20.0).sine(-20.0, 20.0));
  expect(15.0, Signal(rate, 2)
                   .sine(-50.0, 20.0)
                   .sine(-35.0, 20.0)
                   .sine(-20.0, 20.0)
                   .sine(-35.0, 20.0)
                   .sine(-50.0, 20.0));
}

/// Sines whose peaks lie between samples; +0.2 and -0.4 dB are the standard's.
TEST(LoudnessMeter, MeetsTheTruePeaksOfTech3341) {
  const int rate = 48000;
  for (const auto& [part, degrees, scale] :
       {std::tuple{0.25, 0.0, 0.5}, std::tuple{0.25, 45.0, 0.5}, std::tuple{1.0 / 6.0, 60.0, 0.5},
        std::tuple{0.125, 67.5, 0.5}, std::tuple{0.25, 45.0, 1.41}}) {
    AudioBuffer sound(2, 48000);
    for (std::size_t i = 0; i < sound.frames(); ++i) {
      const double fade = std::min(
          {1.0, static_cast<double>(i) / 2000.0, static_cast<double>(sound.frames() - i) / 2000.0});
      const double phase = 2.0 * std::numbers::pi * part * static_cast<double>(i) +
                           degrees * std::numbers::pi / 180.0;
      for (std::size_t c = 0; c < 2; ++c)
        sound.channel(c)[i] = static_cast<float>(scale * fade * std::sin(phase));
    }
    const double peak = measure(sound, rate).true_peak_dbtp;
    const double expected = 20.0 * std::log10(scale);
    EXPECT_LE(peak, expected + 0.2);
    EXPECT_GE(peak, expected - 0.4);
  }
}

/// Noise that changes its level and colour, for which nobody has a formula.
AudioBuffer music(int rate, std::size_t channels, double seconds) {
  std::mt19937 random(7);
  std::normal_distribution<double> normal;
  AudioBuffer result(channels, static_cast<std::size_t>(seconds * rate));
  for (std::size_t c = 0; c < channels; ++c) {
    double low = 0.0;
    for (std::size_t i = 0; i < result.frames(); ++i) {
      const double second = static_cast<double>(i) / rate;
      low += 0.05 * (normal(random) - low);
      const double level = amplitude(-20.0 + 15.0 * std::sin(second * 0.7) - 3.0 * c);
      result.channel(c)[i] = static_cast<float>(level * (2.0 * low + 0.1 * normal(random)));
    }
  }
  return result;
}

struct FreeState {
  void operator()(ebur128_state* state) const { ebur128_destroy(&state); }
};

/// The same blocks and gates: what differs are places of gates, and the filters of the true peak.
TEST(LoudnessMeter, EqualsLibebur128AtEveryRate) {
  for (const int rate : {8000, 11025, 22050, 44100, 48000, 88200, 96000, 192000})
    for (const std::size_t channels : {1, 2, 6}) {
      if (channels != 2 && rate != 48000) continue;
      const AudioBuffer sound = music(rate, channels, 20.0);
      const std::unique_ptr<ebur128_state, FreeState> state(
          ebur128_init(static_cast<unsigned>(channels), static_cast<unsigned long>(rate),
                       EBUR128_MODE_I | EBUR128_MODE_LRA | EBUR128_MODE_TRUE_PEAK));
      // It takes 5.1 to be without a fourth channel, which is LFE, and so do we.
      std::vector<float> interleaved(sound.frames() * channels);
      for (std::size_t c = 0; c < channels; ++c)
        for (std::size_t i = 0; i < sound.frames(); ++i)
          interleaved[i * channels + c] = sound.channel(c)[i];
      if (channels == 6) {
        const int map[] = {EBUR128_LEFT,   EBUR128_RIGHT,         EBUR128_CENTER,
                           EBUR128_UNUSED, EBUR128_LEFT_SURROUND, EBUR128_RIGHT_SURROUND};
        for (unsigned c = 0; c < 6; ++c) ebur128_set_channel(state.get(), c, map[c]);
      }
      ASSERT_EQ(ebur128_add_frames_float(state.get(), interleaved.data(), sound.frames()), 0);
      double lufs = 0.0;
      double range = 0.0;
      double peak = 0.0;
      ebur128_loudness_global(state.get(), &lufs);
      ebur128_loudness_range(state.get(), &range);
      for (unsigned c = 0; c < channels; ++c) {
        double one = 0.0;
        ebur128_true_peak(state.get(), c, &one);
        peak = std::max(peak, one);
      }
      const Loudness ours = measure(sound, rate);
      // One block of 200 more or less, where it lies at the gate.
      EXPECT_NEAR(ours.integrated_lufs, lufs, 0.05) << rate << " " << channels;
      EXPECT_NEAR(ours.range_lu, range, 0.05) << rate << " " << channels;
      EXPECT_NEAR(ours.true_peak_dbtp, 20.0 * std::log10(peak), 0.2) << rate << " " << channels;
    }
}

TEST(LoudnessMeter, DoesNotDependOnBlocks) {
  const AudioBuffer sound = music(44100, 2, 6.0);
  const Loudness whole = measure(sound, 44100, sound.frames());
  for (const std::size_t block : {1, 100, 511, 4410}) {
    const Loudness parts = measure(sound, 44100, block);
    // Sums of squares are taken in other parts.
    EXPECT_NEAR(parts.integrated_lufs, whole.integrated_lufs, 1e-9);
    EXPECT_NEAR(parts.range_lu, whole.range_lu, 1e-9);
    EXPECT_EQ(parts.true_peak_dbtp, whole.true_peak_dbtp);
  }
}

TEST(LoudnessMeter, OfSilenceAndOfTooLittleIsMinusInfinity) {
  const Loudness silence = measure(AudioBuffer(2, 96000), 48000);
  EXPECT_EQ(silence.integrated_lufs, -INFINITY);
  EXPECT_EQ(silence.range_lu, 0.0);
  EXPECT_EQ(silence.true_peak_dbtp, -INFINITY);
  const Loudness little = measure(Signal(48000, 2).sine(-6.0, 0.3).buffer(), 48000);
  EXPECT_EQ(little.integrated_lufs, -INFINITY);
  EXPECT_NEAR(little.true_peak_dbtp, -6.0, 0.1);
  EXPECT_EQ(measure(AudioBuffer(1, 0), 48000).integrated_lufs, -INFINITY);
}

TEST(LoudnessMeter, TheLastSampleCounts) {
  AudioBuffer sound(1, 48000);
  sound.channel(0).back() = 0.5F;
  EXPECT_NEAR(measure(sound, 48000).true_peak_dbtp, -6.02, 0.1);
}

TEST(LoudnessMeter, StartsAnewAfterReset) {
  LoudnessMeter meter(48000, 2);
  meter.process(Signal(48000, 2).sine(0.0, 5.0).buffer());
  meter.reset();
  const AudioBuffer sound = Signal(48000, 2).sine(-23.0, 5.0).buffer();
  meter.process(sound);
  const Loudness again = meter.finish();
  const Loudness fresh = measure(sound, 48000);
  EXPECT_NEAR(again.integrated_lufs, fresh.integrated_lufs, 1e-9);
  EXPECT_EQ(again.true_peak_dbtp, fresh.true_peak_dbtp);
}

TEST(LoudnessMeter, WhatIsNotFiniteIsSilence) {
  AudioBuffer sound = Signal(48000, 1).sine(-23.0, 5.0).buffer();
  sound.channel(0)[1000] = NAN;
  sound.channel(0)[2000] = INFINITY;
  const Loudness loudness = measure(sound, 48000);
  EXPECT_NEAR(loudness.integrated_lufs,
              measure(Signal(48000, 1).sine(-23.0, 5.0).buffer(), 48000).integrated_lufs, 0.1);
  EXPECT_LT(loudness.true_peak_dbtp, -20.0);
}

TEST(LoudnessMeter, ProcessesInRealtime) {
  LoudnessMeter meter(44100, 2);
  const AudioBuffer sound = music(44100, 2, 5.0);
  const ConstAudioView view(sound);
  {
    const testing::RealtimeGuard guard;
    for (std::size_t first = 0; first + 480 <= view.frames(); first += 480)
      meter.process(view.part(first, 480));
    (void)meter.momentary_lufs();
    (void)meter.short_term_lufs();
    meter.reset();
  }
}

TEST(LoudnessMeter, RefusesRatesAndChannelsThatItCannotWeigh) {
  EXPECT_THROW(LoudnessMeter(3999, 2), Error);
  EXPECT_THROW(LoudnessMeter(48000, 0), Error);
  EXPECT_THROW(LoudnessMeter(48000, 33), Error);
}

}  // namespace
}  // namespace metalaudio::dsp
