#include <metalaudio/core/error.h>
#include <metalaudio/dsp/stft.h>

#include <cmath>
#include <random>

#include "golden.h"

namespace metalaudio::dsp {
namespace {

using Complex = std::complex<float>;

std::vector<float> noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> x(size);
  for (float& v : x) v = normal(random);
  return x;
}

StftOptions options_of(const nlohmann::json& golden) {
  StftOptions options;
  options.fft_size = golden["fft_size"];
  options.hop_samples = golden["hop"];
  options.window_samples = golden["window"];
  options.center = golden["center"];
  options.normalized = golden["normalized"];
  const std::string padding = golden["padding"];
  options.padding = padding == "reflect"    ? StftPadding::reflect
                    : padding == "constant" ? StftPadding::constant
                                            : StftPadding::replicate;
  return options;
}

std::vector<Complex> complex_of(const std::vector<float>& numbers) {
  std::vector<Complex> out(numbers.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = {numbers[2 * i], numbers[2 * i + 1]};
  return out;
}

TEST(Stft, EqualsTorchForwardAndInverse) {
  for (const auto& golden : golden_cases("stft")) {
    const Stft stft(options_of(golden));
    const std::vector<float> x = golden["x"];
    const auto expected = complex_of(golden["spectrum"]);
    std::vector<Complex> spectra(stft.frames(x.size()) * stft.bins());
    ASSERT_EQ(spectra.size(), expected.size()) << golden["fft_size"];
    stft.forward(x, spectra);
    for (std::size_t i = 0; i < spectra.size(); ++i) {
      // 24 samples of size 1 and float32.
      EXPECT_LT(std::abs(spectra[i] - expected[i]), 5e-6F) << golden["fft_size"] << " " << i;
    }
    if (!golden.contains("inverse")) continue;
    const std::vector<float> inverse = golden["inverse"];
    std::vector<float> out(inverse.size());
    stft.inverse(complex_of(golden["noise"]), out);
    for (std::size_t i = 0; i < out.size(); ++i) {
      EXPECT_NEAR(out[i], inverse[i], 2e-5F) << golden["fft_size"] << " " << i;
    }
  }
}

TEST(Stft, ReconstructsBelowMinus120Db) {
  for (const std::size_t size : {512U, 480U, 4096U}) {
    const Stft stft({.fft_size = size, .normalized = true});
    const auto x = noise(10 * size + 17, 1);
    std::vector<Complex> spectra(stft.frames(x.size()) * stft.bins());
    ThreadPool pool(2);
    stft.forward(x, spectra, &pool);
    std::vector<float> out(x.size());
    stft.inverse(spectra, out, &pool);
    double error = 0.0;
    double power = 0.0;
    // The last samples lie past the last frame that fits.
    const std::size_t covered = (spectra.size() / stft.bins() - 1) * stft.hop_samples();
    for (std::size_t i = 0; i < covered; ++i) {
      error += std::pow(double(out[i]) - x[i], 2);
      power += std::pow(double(x[i]), 2);
    }
    EXPECT_LT(10.0 * std::log10(error / power), -120.0) << size;
  }
}

TEST(Stft, RefusesOptionsThatMakeNoTransform) {
  EXPECT_THROW(Stft({.fft_size = 0}), Error);
  EXPECT_THROW(Stft({.fft_size = 16, .hop_samples = std::size_t(-1)}), Error);
  EXPECT_THROW(Stft({.fft_size = 16, .window_samples = 17}), Error);
  EXPECT_THROW(Stft({.fft_size = 16, .own_window = std::vector<float>(17, 1.0F)}), Error);
  EXPECT_THROW(Stft({.fft_size = 16, .window_samples = 8, .own_window = {1.0F}}), Error);
  EXPECT_THROW(Stft({.fft_size = 16, .own_window = {1.0F, std::nanf("")}}), Error);
}

/// As torch.stft and torch.istft: frames apart make spectra, and no signal.
TEST(Stft, TakesAHopAboveTheWindowForwardAlone) {
  for (const std::size_t hop : {9U, 16U, 17U, 40U}) {
    const Stft stft({.fft_size = 16, .hop_samples = hop, .window_samples = 8, .center = false});
    const Stft dense({.fft_size = 16, .hop_samples = 1, .window_samples = 8, .center = false});
    const auto x = noise(200, 1);
    std::vector<Complex> spectra(stft.frames(x.size()) * stft.bins());
    std::vector<Complex> all(dense.frames(x.size()) * dense.bins());
    stft.forward(x, spectra);
    dense.forward(x, all);
    ASSERT_EQ(stft.frames(x.size()), (x.size() - 16) / hop + 1);
    for (std::size_t i = 0; i < spectra.size(); ++i) {
      EXPECT_EQ(spectra[i], all[i / stft.bins() * hop * stft.bins() + i % stft.bins()]) << hop;
    }
    std::vector<float> out(x.size());
    EXPECT_THROW(stft.inverse(spectra, out), Error);
    EXPECT_FALSE(stft.validate_cola().ok);
  }
}

TEST(Stft, TakesAWindowOfOnesOwn) {
  const auto hamming = make_window(12, {.shape = WindowShape::hamming});
  const Stft own({.fft_size = 16, .hop_samples = 3, .own_window = hamming});
  const Stft same({.fft_size = 16,
                   .hop_samples = 3,
                   .window_samples = 12,
                   .window = {.shape = WindowShape::hamming}});
  const auto x = noise(100, 2);
  std::vector<Complex> a(own.frames(x.size()) * own.bins());
  std::vector<Complex> b(a.size());
  own.forward(x, a);
  same.forward(x, b);
  EXPECT_EQ(a, b);
  std::vector<float> out(x.size() - 1);
  own.inverse(a, out);
  // 24 samples of size 1 and float32.
  for (std::size_t i = 0; i < out.size(); ++i) EXPECT_NEAR(out[i], x[i], 5e-6F);
}

/// frames() is 0 exactly where forward() throws.
TEST(Stft, SaysThatASignalIsTooShortInBothWays) {
  for (const std::size_t size : {1U, 2U, 15U, 16U}) {
    for (const bool center : {true, false}) {
      for (const auto padding :
           {StftPadding::reflect, StftPadding::constant, StftPadding::replicate}) {
        const Stft stft({.fft_size = size, .center = center, .padding = padding});
        for (std::size_t samples = 0; samples < 20; ++samples) {
          const std::size_t count = stft.frames(samples);
          std::vector<Complex> spectra(std::max<std::size_t>(count, 1) * stft.bins());
          if (count == 0) {
            EXPECT_THROW(stft.forward(noise(samples, 1), spectra), Error) << size << samples;
          } else {
            EXPECT_NO_THROW(stft.forward(noise(samples, 1), spectra)) << size << samples;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace metalaudio::dsp
