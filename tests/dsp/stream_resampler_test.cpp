#include <metalaudio/core/error.h>
#include <metalaudio/dsp/resampler/cpu/resampler_kernels.h>
#include <metalaudio/dsp/stream_resampler.h>

#include <gtest/gtest.h>
#include <soxr.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "realtime_guard.h"
#include "signals.h"
#include "tests/support/simd_targets.h"
#include "tones.h"

namespace metalaudio::dsp {
namespace {

using Samples = std::vector<float>;

struct Rates {
  double in;
  double out;
};
/// Exact tables, interpolated ones (44100 to 44101, irrational), up, down and far apart.
const Rates kRates[] = {{44100, 48000},
                        {48000, 44100},
                        {96000, 44100},
                        {44100, 192000},
                        {192000, 48000},
                        {8000, 48000},
                        {44100, 44101},
                        {48000, 48000},
                        {768000, 44100},
                        {11025, 384000},
                        {48000, 44100.0625},
                        {1.0, std::numbers::pi},
                        {48000, 48000 / std::numbers::sqrt2}};

/// Everything that comes out, in blocks of these sizes.
Samples run(StreamResampler& resampler, const Samples& x, std::size_t block = 512,
            std::size_t room = 300) {
  Samples y;
  Samples out(room);
  for (std::size_t at = 0;;) {
    const std::size_t count = std::min(block, x.size() - at);
    const auto done = resampler.process(ConstAudioView(std::span(x).subspan(at, count)),
                                        AudioView(std::span(out)));
    at += done.consumed;
    y.insert(y.end(), out.begin(), out.begin() + std::ptrdiff_t(done.produced));
    if (at == x.size() && done.produced == 0) return y;
  }
}

std::size_t input_size(const Rates& rates) {
  return static_cast<std::size_t>(3000 * std::max(1.0, rates.in / rates.out));
}

TEST(ResamplerKernels, EqualTheirScalarReferenceOnEveryTarget) {
  const auto x = noise(4000, 1), other = noise(4000, 2), rows = noise(20 * 48, 3);
  const Array<float> table{std::span<const float>(rows)};
  std::vector<ResamplerPoint> points;
  for (std::uint32_t i = 0; i < 37; ++i) {
    points.push_back({i * 7, (i * 5) % 17, {-0.06F, 0.56F, 0.56F, -0.06F}});
  }
  const float* from[] = {x.data(), other.data(), x.data() + 5, other.data() + 9, x.data() + 11};
  for_each_target([&](const char* target) {
    for (const std::size_t taps : {16U, 32U, 48U}) {
      Samples got(37), expected(37);
      resampler_kernels().exact(points.data(), 37, table.data(), taps, x.data(), got.data());
      kResamplerReference.exact(points.data(), 37, table.data(), taps, x.data(), expected.data());
      EXPECT_LT(relative_error(got, expected), 1e-6) << target << " " << taps;
      for (const std::size_t channels : {1U, 2U, 3U, 4U, 5U}) {
        std::vector<Samples> a(channels, Samples(37)), b = a;
        std::vector<float*> to_a, to_b;
        for (auto& channel : a) to_a.push_back(channel.data());
        for (auto& channel : b) to_b.push_back(channel.data());
        resampler_kernels().interpolated(points.data(), 37, table.data(), taps, from, to_a.data(),
                                         channels);
        kResamplerReference.interpolated(points.data(), 37, table.data(), taps, from, to_b.data(),
                                         channels);
        // Sums of 16 to 48 products in float32.
        for (std::size_t c = 0; c < channels; ++c) {
          EXPECT_LT(relative_error(a[c], b[c]), 1e-6) << target << " " << taps << " " << c;
        }
      }
    }
  });
}

// One measure of ripple, images, phase and latency: the output is the sine that the latency says.
TEST(StreamResampler, GivesTheDelayedSineOverThePassBand) {
  for_each_target([&](const char* target) {
    for (const Rates& rates : kRates) {
      for (const double part : {0.001, 0.1, 0.3, 0.5, 0.7, 0.85, 0.906}) {
        StreamResampler resampler(rates.in, rates.out);
        const double hz = part * std::min(rates.in, rates.out) / 2.0;
        const auto y = run(resampler, sine(hz / rates.in, input_size(rates)));
        const auto expected = sine(hz / rates.out, y.size(), resampler.latency_samples());
        EXPECT_LT(deviation_db(y, expected), -120.0)
            << target << " " << rates.in << " to " << rates.out << " at " << part;
      }
    }
  });
}

TEST(StreamResampler, StopsWhatTheLowerRateCannotHold) {
  for (const Rates& rates : kRates) {
    if (rates.in <= rates.out) continue;
    for (const double part : {1.0005, 1.01, 1.1, 1.5, 1.99, 2.0, 2.9, 3.3}) {
      const double hz = part * rates.out / 2.0;
      if (hz >= rates.in / 2.0) continue;
      StreamResampler resampler(rates.in, rates.out);
      const auto y = run(resampler, sine(hz / rates.in, 2 * input_size(rates)));
      const Samples silence(y.size());
      EXPECT_LT(deviation_db(y, silence), -120.0)
          << rates.in << " to " << rates.out << " at " << part;
    }
  }
}

// A sweep through the transition and beyond: nothing comes back below.
TEST(StreamResampler, ASweepAboveTheBandIsSilence) {
  StreamResampler resampler(96000, 44100);
  Samples x(40000);
  double cycles = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double hz = 22300.0 + 25000.0 * static_cast<double>(i) / static_cast<double>(x.size());
    cycles += hz / 96000.0;
    // Fades in, so that the start itself has no band below.
    const double fade = std::min(1.0, static_cast<double>(i) / 8000.0);
    x[i] = static_cast<float>(0.5 * (1.0 - std::cos(std::numbers::pi * fade)) *
                              std::sin(2.0 * std::numbers::pi * (cycles - std::floor(cycles))));
  }
  const auto y = run(resampler, x);
  EXPECT_LT(decibels(rms(y) * std::numbers::sqrt2), -120.0);
}

TEST(StreamResampler, AgreesWithSoxrAtItsBest) {
  for (const Rates& rates :
       {Rates{48000, 44100}, Rates{44100, 48000}, Rates{96000, 44100}, Rates{44100, 44101}}) {
    // Up to 0.6 of the lower Nyquist frequency soxr is flat; to 0.89 it falls by 0.002 dB.
    Samples x(60000);
    for (const double part : {0.013, 0.11, 0.23, 0.37, 0.51, 0.6}) {
      const auto tone = sine(part * std::min(rates.in, rates.out) / 2.0 / rates.in, x.size());
      for (std::size_t i = 0; i < x.size(); ++i) x[i] += tone[i] / 6.0F;
    }
    const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_VHQ, 0);
    Samples expected(200000);
    std::size_t taken = 0, given = 0;
    ASSERT_EQ(soxr_oneshot(rates.in, rates.out, 1, x.data(), x.size(), &taken, expected.data(),
                           expected.size(), &given, nullptr, &quality, nullptr),
              nullptr);
    // soxr takes its delay out; ours is made whole, so that the two can be laid side by side.
    const double latency = StreamResampler(rates.in, rates.out).latency_samples();
    StreamResampler resampler(rates.in, rates.out,
                              {.extra_delay_samples = std::ceil(latency) - latency});
    const auto whole = static_cast<std::size_t>(std::ceil(latency));
    EXPECT_NEAR(resampler.latency_samples(), static_cast<double>(whole), 1e-6);
    const auto y = run(resampler, x);
    Samples difference;
    for (std::size_t i = 2000; i + whole < y.size() && i + 2000 < given; ++i) {
      difference.push_back(y[i + whole] - expected[i]);
    }
    ASSERT_GT(difference.size(), 20000U);
    EXPECT_LT(decibels(rms(difference)), -120.0) << rates.in << " to " << rates.out;
  }
}

TEST(StreamResampler, DoesNotDependOnTheBlocks) {
  const auto x = noise(6000, 4);
  for (const Rates& rates : kRates) {
    StreamResampler resampler(rates.in, rates.out);
    const auto expected = run(resampler, x, x.size(), 1U << 20);
    for (const auto& [block, room] :
         {std::pair<std::size_t, std::size_t>(1, 1), {7, 64}, {64, 7}, {4096, 33}, {1, 4096}}) {
      resampler.reset();
      EXPECT_EQ(run(resampler, x, block, room), expected) << rates.in << " " << block;
    }
  }
}

TEST(StreamResampler, SaysHowManyFramesItTakesAndGives) {
  for (const Rates& rates : kRates) {
    StreamResampler resampler(rates.in, rates.out);
    const auto x = noise(700, 5);
    Samples y(1U << 17);
    std::size_t in_total = 0, out_total = 0;
    for (const std::size_t frames : {1U, 2U, 64U, 1U, 700U, 13U, 0U, 480U}) {
      const std::size_t expected = resampler.output_frames(frames);
      auto done = resampler.process(ConstAudioView(std::span(x).first(frames)),
                                    AudioView(std::span(y).first(expected)));
      EXPECT_EQ(done.consumed, frames);
      EXPECT_EQ(done.produced, expected);
      in_total += frames;
      out_total += done.produced;
      const double due = std::ceil(static_cast<double>(in_total) * rates.out / rates.in - 1e-9);
      EXPECT_EQ(static_cast<double>(out_total), due) << rates.in << " to " << rates.out;
      // And the other way round.
      const std::size_t wanted = frames / 3;
      const std::size_t needed = resampler.input_frames(wanted);
      if (needed > x.size()) continue;
      done = resampler.process(ConstAudioView(std::span(x).first(needed)),
                               AudioView(std::span(y).first(wanted)));
      EXPECT_EQ(done.produced, wanted);
      EXPECT_EQ(done.consumed, needed);
      in_total += needed;
      out_total += wanted;
      if (needed > 0) {
        EXPECT_EQ(resampler.input_frames(wanted + 1) > 0 || resampler.output_frames(0) > 0, true);
      }
      // What is still ready comes before anything is taken.
      const std::size_t ready = resampler.output_frames(0);
      out_total +=
          resampler
              .process(ConstAudioView(std::span(x).first(0)), AudioView(std::span(y).first(ready)))
              .produced;
    }
  }
}

TEST(StreamResampler, TreatsEveryChannelAlikeThroughPointers) {
  for (const double out_rate : {48000.0, 44101.0}) {
    const auto a = noise(3000, 6), b = noise(3000, 7), c = noise(3000, 8);
    StreamResampler three(44100, out_rate, {.channels = 3});
    const std::size_t frames = three.output_frames(a.size());
    AudioBuffer y(3, frames);
    const float* in[] = {a.data(), b.data(), c.data()};
    EXPECT_EQ(three.process(ConstAudioView(in, 3, a.size()), y).produced, frames);
    for (std::size_t channel = 0; channel < 3; ++channel) {
      StreamResampler one(44100, out_rate);
      const auto expected = run(one, channel == 0 ? a : channel == 1 ? b : c);
      // Channels beside each other share sums of another order.
      EXPECT_LT(relative_error(y.channel(channel), expected), 1e-6);
    }
  }
}

// Whole cycles a second, the same second 3600 times: at the end the phase is that of the start.
TEST(StreamResampler, StandsWhereItShouldAfterAnHour) {
  struct Case {
    double in, out, drift;
  };
  // A short filter; positions do not depend on it.
  for (const Case& c : {Case{8000, 11025, 0.0}, {8000, 8001, 0.0}, {8000, 11025, 1e-3}}) {
    StreamResampler resampler(c.in, c.out, {.passband = 0.3, .largest_drift = c.drift});
    const auto second = sine(441.0 / c.in, static_cast<std::size_t>(c.in));
    Samples y(static_cast<std::size_t>(c.out) + 100);
    std::size_t produced = 0;
    double before = 0.0;  // outputs, past those of whole seconds
    for (int n = 0; n < 3600; ++n) {
      before += static_cast<double>(produced) - (n > 0 ? c.out : 0.0);
      const auto done =
          resampler.process(ConstAudioView(std::span(second)), AudioView(std::span(y)));
      produced = done.produced;
      ASSERT_EQ(done.consumed, second.size());
    }
    // A rounded ratio may bring the last output of a second before its end, once.
    EXPECT_LE(std::abs(before), c.drift > 0.0 ? 1.0 : 0.0);
    y.resize(produced);
    const double delay = resampler.latency_samples() - before;
    EXPECT_LT(deviation_db(y, sine(441.0 / c.out, produced, delay)), -120.0)
        << c.out << " " << c.drift;
  }
}

TEST(StreamResampler, FollowsAClockThatDriftsWithoutAClick) {
  constexpr double kDrift = 5e-4;
  StreamResampler resampler(48000, 44100, {.largest_drift = 1e-3});
  Samples y;
  const auto x = sine(1000.0 / 48000.0, 60000);
  for (std::size_t at = 0; at < x.size(); at += 100) {
    if (at == 20000) resampler.set_drift(kDrift);
    Samples out(resampler.output_frames(100));
    const auto done =
        resampler.process(ConstAudioView(std::span(x).subspan(at, 100)), AudioView(std::span(out)));
    EXPECT_EQ(done.consumed, 100U);
    y.insert(y.end(), out.begin(), out.begin() + std::ptrdiff_t(done.produced));
  }
  EXPECT_EQ(resampler.take_status(), Trouble::none);
  // A tone obeys y[n+1] + y[n-1] = 2 cos(w) y[n]; what is left is the drift's own 5e-4 of w^2.
  const double w = 2.0 * std::numbers::pi * 1000.0 / 44100.0;
  for (std::size_t i = 1000; i + 1 < y.size(); ++i) {
    const double rest = double{y[i + 1]} + double{y[i - 1]} - 2.0 * std::cos(w) * double{y[i]};
    ASSERT_LT(std::abs(rest), 2.0 * kDrift * w * w * 1.05 + 1e-6) << i;
  }
  // At the end it runs at the new ratio: the same test with its frequency leaves only rounding.
  const double settled = 2.0 * std::numbers::pi * 1000.0 / 44100.0 * (1.0 + kDrift);
  for (std::size_t i = y.size() - 5000; i + 1 < y.size(); ++i) {
    const double rest =
        double{y[i + 1]} + double{y[i - 1]} - 2.0 * std::cos(settled) * double{y[i]};
    ASSERT_LT(std::abs(rest), 2e-6) << i;  // four roundings of a float
  }
}

TEST(StreamResampler, RefusesADriftPastTheLargestAndSaysSo) {
  StreamResampler fixed(48000, 44100), adjustable(48000, 44100, {.largest_drift = 0.01});
  fixed.set_drift(1e-6);
  EXPECT_EQ(fixed.take_status(), Trouble::parameters_refused);
  for (const double drift : {0.011, -0.02, std::numeric_limits<double>::quiet_NaN()}) {
    adjustable.set_drift(drift);
    EXPECT_EQ(adjustable.take_status(), Trouble::parameters_refused);
  }
  adjustable.set_drift(-0.01);
  EXPECT_EQ(adjustable.status(), Trouble::none);
}

TEST(StreamResampler, StartsAfreshAfterReset) {
  const auto x = noise(3000, 9);
  StreamResampler resampler(44100, 48000, {.extra_delay_samples = 0.3});
  const auto first = run(resampler, x);
  resampler.reset();
  EXPECT_EQ(run(resampler, x), first);
}

TEST(StreamResampler, ReplacesBadInputBySilenceAndSaysSo) {
  auto x = noise(2000, 10);
  auto clean = x;
  clean[700] = clean[701] = 0.0F;
  StreamResampler resampler(44100, 48000);
  const auto expected = run(resampler, clean);
  EXPECT_EQ(resampler.status(), Trouble::none);
  resampler.reset();
  x[700] = std::numeric_limits<float>::quiet_NaN();
  x[701] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(run(resampler, x), expected);
  EXPECT_EQ(resampler.take_status(), Trouble::input_replaced);
}

TEST(StreamResampler, RunsHundredThousandBlocksInRealtime) {
  for (const double out_rate : {48000.0, 44101.0}) {
    const bool adjustable = out_rate == 44101.0;
    StreamResampler resampler(44100, out_rate,
                              {.passband = 0.5, .largest_drift = adjustable ? 0.01 : 0.0});
    const auto x = noise(64, 11);
    Samples y(128);
    for (int block = 0; block < 100'000; ++block) {
      metalaudio::testing::RealtimeGuard guard;
      if (adjustable && block % 100 == 0) resampler.set_drift(block % 200 == 0 ? 0.01 : -0.005);
      const auto done = resampler.process(ConstAudioView(std::span(x)), AudioView(std::span(y)));
      ASSERT_EQ(done.consumed, 64U);
    }
    metalaudio::testing::RealtimeGuard guard;
    resampler.reset();
  }
}

TEST(StreamResampler, RefusesWhatMakesNoSense) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinite = std::numeric_limits<double>::infinity();
  for (const auto& [in, out] : {std::pair(0.0, 48000.0),
                                {48000.0, 0.0},
                                {-1.0, 1.0},
                                {nan, 1.0},
                                {1.0, infinite},
                                {infinite, infinite},
                                {257.0, 1.0},
                                {1.0, 300.0}}) {
    EXPECT_THROW(StreamResampler(in, out), Error) << in << " " << out;
  }
  EXPECT_THROW(StreamResampler(1, 1, {.channels = 0}), Error);
  EXPECT_THROW(StreamResampler(1, 1, {.channels = 1000}), Error);
  EXPECT_THROW(StreamResampler(1, 1, {.passband = 1.0}), Error);
  EXPECT_THROW(StreamResampler(1, 1, {.passband = nan}), Error);
  EXPECT_THROW(StreamResampler(1, 1, {.largest_drift = 0.5}), Error);
  EXPECT_THROW(StreamResampler(1, 1, {.extra_delay_samples = 1.0}), Error);
  EXPECT_NO_THROW(StreamResampler(256, 1));
}

}  // namespace
}  // namespace metalaudio::dsp
