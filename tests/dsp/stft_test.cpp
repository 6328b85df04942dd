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
  EXPECT_THROW(Stft({.fft_size = 16, .hop_samples = 17}), Error);
  EXPECT_THROW(Stft({.fft_size = 16, .hop_samples = 9, .window_samples = 8}), Error);
  EXPECT_THROW(Stft({.fft_size = 16, .window_samples = 17}), Error);
}

TEST(Stft, RefusesSignalsTooShortToReflect) {
  const Stft stft({.fft_size = 16});
  std::vector<Complex> spectra(stft.frames(8) * stft.bins());
  EXPECT_THROW(stft.forward(noise(8, 1), spectra), Error);
}

}  // namespace
}  // namespace metalaudio::dsp
