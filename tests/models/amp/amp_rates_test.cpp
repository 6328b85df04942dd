#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/models/amp/amp.h>
#include <realtime_guard.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include "benchmarks/nn/amp_models.h"

namespace metalaudio::models {
namespace {

using nlohmann::json;
using Samples = std::vector<float>;

Amp make_amp(const json& file, const AmpOptions& options = {}) {
  const std::string text = file.dump();
  return Amp(std::as_bytes(std::span<const char>(text)), options);
}

AmpOptions at_rate(double rate_hz, std::size_t oversampling = 1) {
  AmpOptions options;
  options.sample_rate_hz = rate_hz;
  options.oversampling = oversampling;
  return options;
}

Samples run(Amp& amp, const Samples& x, std::size_t block = 512) {
  Samples y(x.size());
  for (std::size_t at = 0; at < x.size(); at += block) {
    const std::size_t count = std::min(block, x.size() - at);
    amp.process(std::span(x).subspan(at, count), std::span(y).subspan(at, count));
  }
  return y;
}

/// Every architecture, all trained at 48 kHz.
std::vector<json> architectures() {
  json norm = amp_models::nam_file(
      "ConvNet",
      {{"channels", 2}, {"dilations", {1, 4}}, {"batchnorm", false}, {"activation", "Tanh"}},
      amp_models::random_weights(4 + 2 + 8 + 2 + 2 + 1, 8));
  json keras = amp_models::keras_recurrent("gru", 12);
  keras["samplerate"] = 48000;
  return {amp_models::a1(4, 2, "Tanh"),
          amp_models::a2(3),
          amp_models::lstm(1, 9),
          norm,
          keras,
          amp_models::nam_file("Linear", {{"receptive_field", 9}, {"bias", true}},
                               amp_models::random_weights(10, 9))};
}

TEST(AmpRates, AtAMultipleEveryPhaseIsTheModelItself) {
  for (const json& file : architectures()) {
    for (const std::size_t multiple : {2U, 3U, 4U}) {
      const Samples x = amp_models::random_weights(1200 * multiple, 3, 0.7F);
      Amp amp = make_amp(file, at_rate(48000.0 * static_cast<double>(multiple)));
      EXPECT_EQ(amp.latency_samples(), 0U);
      const Samples y = run(amp, x);
      for (std::size_t p = 0; p < multiple; ++p) {
        Samples phase, expected;
        for (std::size_t i = p; i < x.size(); i += multiple) phase.push_back(x[i]);
        for (std::size_t i = p; i < x.size(); i += multiple) expected.push_back(y[i]);
        Amp plain = make_amp(file);
        EXPECT_EQ(run(plain, phase), expected) << multiple << " phase " << p;
      }
    }
  }
}

TEST(AmpRates, AtTwiceTheRateAWaveNetIsTheOneOfTwiceTheDilations) {
  const json file = amp_models::a1(4, 2, "Tanh");
  json doubled = file;
  for (json& array : doubled["config"]["layers"])
    for (json& dilation : array["dilations"]) dilation = 2 * dilation.get<int>();
  const Samples x = amp_models::random_weights(9000, 4, 0.7F);
  Amp amp = make_amp(file, at_rate(96000.0));
  Amp other = make_amp(doubled);
  const Samples y = run(amp, x);
  const Samples expected = run(other, x);
  // The same sums in the same order, though other frames share a vector.
  for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], expected[i], 1e-6F) << i;
}

TEST(AmpRates, BlocksOfAnySizeGiveTheSameBitsAtEveryRate) {
  const Samples x = amp_models::random_weights(9000, 5, 0.7F);
  for (const json& file : architectures()) {
    for (const AmpOptions& options :
         {at_rate(48000), at_rate(48000, 2), at_rate(96000), at_rate(192000), at_rate(44100),
          at_rate(88200, 4), at_rate(144000, 8), at_rate(22050)}) {
      Amp amp = make_amp(file, options);
      const Samples whole = run(amp, x, x.size());
      for (const std::size_t block : {1U, 13U, 64U, 100U, 4096U}) {
        amp.reset();
        ASSERT_EQ(run(amp, x, block), whole)
            << *options.sample_rate_hz << " " << options.oversampling << " " << block;
      }
    }
  }
}

/// What is in y at a frequency, as a share of full scale.
double level(const Samples& y, double hz, double rate_hz) {
  std::complex<double> sum = 0.0;
  double weight = 0.0;
  for (std::size_t i = y.size() / 2; i < y.size(); ++i) {
    const double t = static_cast<double>(i) / static_cast<double>(y.size() / 2) - 1.0;
    const double window = std::pow(std::sin(std::numbers::pi * t), 4.0);
    weight += 0.5 * window;
    sum += window * static_cast<double>(y[i]) *
           std::polar(1.0, -2.0 * std::numbers::pi * hz * static_cast<double>(i) / rate_hz);
  }
  return std::abs(sum) / weight;
}

Samples tone(double hz, double rate_hz, double gain, std::size_t frames, double delay = 0.0) {
  Samples x(frames);
  for (std::size_t i = 0; i < frames; ++i)
    x[i] = static_cast<float>(
        gain * std::sin(2.0 * std::numbers::pi * hz * (static_cast<double>(i) - delay) / rate_hz));
  return x;
}

TEST(AmpRates, AWireStaysAWireThatIsLateByItsLatency) {
  const json wire =
      amp_models::nam_file("Linear", {{"receptive_field", 1}, {"bias", false}}, {1.0F});
  for (const double rate_hz : {22050.0, 44100.0, 48000.0, 88200.0, 96000.0, 176400.0, 192000.0}) {
    for (const std::size_t oversampling : {1U, 2U, 4U, 8U}) {
      AmpOptions options = at_rate(rate_hz, oversampling);
      options.channels = 2;
      Amp amp = make_amp(wire, options);
      Samples x = tone(1000.0, rate_hz, 0.5, 12000), other = tone(3000.0, rate_hz, 0.5, 12000);
      float* both[] = {x.data(), other.data()};
      amp.process({both, x.size()}, {both, x.size()});  // in place
      const auto late = static_cast<double>(amp.latency_samples());
      const Samples expected = tone(1000.0, rate_hz, 0.5, 12000, late);
      const Samples expected_other = tone(3000.0, rate_hz, 0.5, 12000, late);
      // The resamplers are flat within 120 dB, the oversampler within 100.
      for (std::size_t i = 6000; i < x.size(); ++i) {
        ASSERT_NEAR(x[i], expected[i], 2e-5) << rate_hz << " " << oversampling << " at " << i;
        ASSERT_NEAR(other[i], expected_other[i], 2e-5) << rate_hz << " " << oversampling;
      }
      EXPECT_EQ(amp.status(), Trouble::none);
    }
  }
}

TEST(AmpRates, OversamplingCutsOffWhatWouldFoldBack) {
  // x to tanh(8 x) to y: the third harmonic of 10 kHz folds to 18 kHz at 48.
  const json fuzz = amp_models::nam_file(
      "ConvNet",
      {{"channels", 1}, {"dilations", {1}}, {"batchnorm", false}, {"activation", "Tanh"}},
      {0.0F, 8.0F, 0.0F, 1.0F, 0.0F});
  const Samples x = tone(10000.0, 48000.0, 0.5, 48000);
  std::vector<double> folded;
  for (const std::size_t oversampling : {1U, 2U, 4U, 8U}) {
    Amp amp = make_amp(fuzz, at_rate(48000.0, oversampling));
    const Samples y = run(amp, x);
    EXPECT_GT(level(y, 10000.0, 48000.0), 1.0);
    folded.push_back(level(y, 18000.0, 48000.0));
  }
  EXPECT_GT(folded[0], 0.2);
  EXPECT_LT(folded[1], 0.2 * folded[0]);
  // At four times only the nineteenth harmonic gets there, at eight the thirty-ninth.
  EXPECT_LT(folded[2], 0.1 * folded[0]);
  EXPECT_LT(folded[3], folded[2]);
}

TEST(AmpRates, NoNumbersAreSilentAndForgottenAtEveryRate) {
  const Samples x = amp_models::random_weights(6400, 6, 0.7F);
  for (const AmpOptions& options :
       {at_rate(48000), at_rate(48000, 4), at_rate(96000), at_rate(44100), at_rate(44100, 2)}) {
    Amp amp = make_amp(amp_models::a1(4, 2, "Tanh"), options);
    const Samples expected = run(amp, x, 64);
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(), -3e30F}) {
      Samples block(64, 0.1F), y(64, 1.0F);
      block[20] = bad;
      amp.process(block, y);
      EXPECT_EQ(y, Samples(64));
      EXPECT_EQ(amp.take_status(), Trouble::input_replaced);
      amp.process(Samples(64, 0.1F), y);
      for (const float v : y) EXPECT_TRUE(std::isfinite(v));
      EXPECT_EQ(amp.status(), Trouble::none);
      amp.reset();
      EXPECT_EQ(run(amp, x, 64), expected);
    }
  }
}

TEST(AmpRates, AnOutputBeyondAllNumbersStartsAllPhasesAnew) {
  json file = amp_models::a1(2, 2, "ReLU");
  for (auto& weight : file["weights"]) weight = 1e4F;
  for (const AmpOptions& options : {at_rate(96000), at_rate(44100), at_rate(48000, 2)}) {
    Amp amp = make_amp(file, options);
    Samples y(64);
    for (int i = 0; i < 20; ++i) amp.process(Samples(64, 1e10F), y);
    for (const float v : y) EXPECT_EQ(v, 0.0F);
    EXPECT_EQ(amp.take_status(), Trouble::state_cleared);
    EXPECT_EQ(amp.status(), Trouble::none);
  }
}

TEST(AmpRates, AreRealTime) {
  std::vector<Amp> amps;
  for (const AmpOptions& options :
       {at_rate(48000, 8), at_rate(96000), at_rate(44100), at_rate(44100, 2)})
    amps.push_back(make_amp(amp_models::a1(2, 2, "Tanh"), options));  // and moved
  const Samples x = amp_models::random_weights(64, 7, 0.7F);
  Samples y(64);
  const testing::RealtimeGuard guard;
  for (int block = 0; block < 3000; ++block) {
    for (Amp& amp : amps) {
      amp.process(x, y);
      if (block == 1000) amp.reset();
      amp.take_status();
    }
  }
}

TEST(AmpRates, ControlsAndRatesThatAModelDoesNotStateWork) {
  Amp amp = make_amp(amp_models::keras_recurrent("gru", 4), at_rate(44100));
  EXPECT_EQ(amp.latency_samples(), 0U) << "it says none: this one is its own";
}

TEST(AmpRates, WhatIsNoRateIsRefused) {
  const json file = amp_models::a1(2, 2, "Tanh");
  for (const double rate_hz :
       {0.0, -48000.0, 1.0, 1e12, std::nan(""), std::numeric_limits<double>::infinity()})
    EXPECT_THROW(make_amp(file, at_rate(rate_hz)), Error) << rate_hz;
  for (const std::size_t oversampling : {0U, 3U, 16U})
    EXPECT_THROW(make_amp(file, at_rate(48000, oversampling)), Error) << oversampling;
}

}  // namespace
}  // namespace metalaudio::models
