#include <metalaudio/core/error.h>
#include <metalaudio/dsp/complex_fft.h>
#include <metalaudio/dsp/fft/cpu/reference.h>

#include <gtest/gtest.h>

#include "realtime_guard.h"
#include "signals.h"
#include "tests/support/simd_targets.h"

namespace metalaudio::dsp {
namespace {

std::vector<std::complex<float>> complex_noise(std::size_t size, unsigned seed) {
  const auto numbers = noise(2 * size, seed);
  std::vector<std::complex<float>> x(size);
  for (std::size_t i = 0; i < size; ++i) x[i] = {numbers[2 * i], numbers[2 * i + 1]};
  return x;
}

void check_size(const std::vector<std::complex<float>>& x,
                const std::vector<std::complex<double>>& expected) {
  const std::size_t size = x.size();
  ComplexFft fft(size);
  std::vector<std::complex<float>> spectrum(size), back(size);
  fft.forward(x, spectrum);
  // Below the 3e-7 at 4096, for Bluestein too.
  EXPECT_LT(relative_error(spectrum, expected), 1e-6);
  fft.inverse(spectrum, back);
  EXPECT_LT(relative_error(back, x), 2e-6);

  std::vector<float> re(size), im(size);
  for (std::size_t i = 0; i < size; ++i) re[i] = x[i].real(), im[i] = x[i].imag();
  fft.forward(SplitSpan<const float>{re, im}, SplitSpan<float>{re, im});
  for (std::size_t k = 0; k < size; ++k) {
    // The two layouts may meet their numbers in another order.
    EXPECT_NEAR(re[k], spectrum[k].real(), 1e-5 * std::sqrt(double(size))) << "bin " << k;
    EXPECT_NEAR(im[k], spectrum[k].imag(), 1e-5 * std::sqrt(double(size))) << "bin " << k;
  }
  fft.inverse(SplitSpan<const float>{re, im}, SplitSpan<float>{re, im});
  for (std::size_t i = 0; i < size; ++i) back[i] = {re[i], im[i]};
  EXPECT_LT(relative_error(back, x), 2e-6);
}

TEST(ComplexFft, EqualsTheReferenceAtEverySizeOnEveryTarget) {
  std::vector<std::size_t> sizes = {240, 256, 480, 512, 625, 997, 2048, 2205, 3125, 4096, 24000};
  for (std::size_t n = 1; n <= 100; ++n) sizes.push_back(n);
  for (const std::size_t size : sizes) {
    const auto x = complex_noise(size, 1);
    const auto expected = reference_fft(std::vector<std::complex<double>>(x.begin(), x.end()));
    for_each_target([&](const char* target) {
      SCOPED_TRACE(::testing::Message() << target << ", size " << size);
      check_size(x, expected);
    });
  }
}

TEST(ComplexFft, ShiftsTheSpectrumWithAModulation) {
  constexpr std::size_t kSize = 512, kShift = 37;
  ComplexFft fft(kSize);
  const auto x = complex_noise(kSize, 2);
  std::vector<std::complex<float>> modulated(kSize), a(kSize), b(kSize), shifted(kSize);
  for (std::size_t i = 0; i < kSize; ++i) {
    const double angle = 2.0 * M_PI * double(kShift * i % kSize) / double(kSize);
    modulated[i] = std::complex<float>(std::complex<double>(x[i]) * std::polar(1.0, angle));
  }
  fft.forward(x, a);
  fft.forward(modulated, b);
  for (std::size_t k = 0; k < kSize; ++k) shifted[(k + kShift) % kSize] = a[k];
  EXPECT_LT(relative_error(b, shifted), 3e-7);  // two transforms of float32
}

TEST(ComplexFft, WorksInPlaceInBatchesAndInRealtime) {
  for (const std::size_t size : {31U, 240U, 256U}) {
    ComplexFft fft(size);
    const auto x = complex_noise(3 * size, 3);
    auto in_place = x;
    std::vector<std::complex<float>> batch(3 * size), back(3 * size);
    auto scratch = fft.make_scratch();
    {
      metalaudio::testing::RealtimeGuard guard;
      fft.forward_batch(x, batch, scratch);
      for (std::size_t i = 0; i < 3; ++i) {
        const auto one = std::span(in_place).subspan(i * size, size);
        fft.forward(one, one);
      }
      fft.inverse_batch(batch, back, scratch);
    }
    EXPECT_EQ(in_place, batch);
    EXPECT_LT(relative_error(back, x), 1e-6);
  }
}

TEST(ComplexFft, RefusesSizeZero) { EXPECT_THROW(ComplexFft(0), Error); }

}  // namespace
}  // namespace metalaudio::dsp
