#include <metalaudio/core/error.h>
#include <metalaudio/dsp/complex_fft.h>
#include <metalaudio/dsp/fft.h>
#include <metalaudio/dsp/fft/cpu/reference.h>
#include <metalaudio/dsp/spectrum.h>

#include <gtest/gtest.h>

#include <thread>

#include "golden.h"
#include "realtime_guard.h"
#include "signals.h"
#include "tests/support/simd_targets.h"

namespace metalaudio::dsp {
namespace {

template <typename T>
concept TransformsSamplesOf = requires(Fft fft, std::span<const T> x,
                                       std::span<std::complex<T>> spectrum) {
  fft.forward(x, spectrum);
};
static_assert(TransformsSamplesOf<float> && !TransformsSamplesOf<double>);
template <typename T>
concept BatchesWithout = requires(const Fft fft, std::span<const T> x,
                                  std::span<std::complex<T>> spectra) {
  fft.forward(x, spectra);
};
static_assert(!BatchesWithout<float>,
              "a const transform, shared by threads, has no scratch of its own");

/// About one rounding for each doubling of the size; Bluestein makes three transforms of one.
template <typename T>
double bound(std::size_t size) {
  const double epsilon = std::is_same_v<T, float> ? 3e-8 : 2.5e-16;
  std::size_t rest = size;
  for (const std::size_t prime : {2U, 3U, 5U, 7U}) {
    while (rest % prime == 0) rest /= prime;
  }
  return epsilon * (std::log2(static_cast<double>(size)) + 4.0) * (rest == 1 ? 1.0 : 3.0);
}

std::vector<std::size_t> sizes_to_try() {
  std::vector<std::size_t> sizes;
  for (std::size_t n = 1; n <= 130; ++n) sizes.push_back(n);
  for (std::size_t n = 256; n <= 65536; n *= 2) sizes.push_back(n);
  // Audio's own sizes, powers of each odd radix, and primes.
  for (const std::size_t n : {480U, 960U, 1920U, 4410U, 48000U, 441U, 2401U, 625U, 729U, 1001U,
                              997U, 2U * 997U, 3U * 4096U, 7U * 512U, 25U * 64U, 343U * 16U}) {
    sizes.push_back(n);
  }
  return sizes;
}

template <typename T>
std::vector<std::complex<double>> reference_bins(const std::vector<T>& x) {
  auto out = reference_fft(std::vector<std::complex<double>>(x.begin(), x.end()));
  out.resize(x.size() / 2 + 1);
  return out;
}

template <typename T>
class FftOfType : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(FftOfType, Types);

/// All layouts of one size, there and back.
template <typename T>
void check_size(const std::vector<T>& x, const std::vector<std::complex<double>>& expected) {
  const std::size_t size = x.size();
  const double limit = bound<T>(size);
  BasicFft<T> fft(size);
  std::vector<std::complex<T>> spectrum(fft.bins());
  fft.forward(x, spectrum);
  EXPECT_LT(relative_error(spectrum, expected), limit);

  std::vector<T> re(fft.bins()), im(fft.bins());
  fft.forward(x, {re, im});
  for (std::size_t k = 0; k < fft.bins(); ++k) {
    ASSERT_EQ(re[k], spectrum[k].real()) << "bin " << k;
    ASSERT_EQ(im[k], spectrum[k].imag()) << "bin " << k;
  }
  std::vector<T> back(size);
  fft.inverse(spectrum, back);
  EXPECT_LT(relative_error(back, x), 2 * limit);
  fft.inverse(SplitSpan<const T>{re, im}, back);
  EXPECT_LT(relative_error(back, x), 2 * limit);
  std::vector<T> unordered(fft.unordered_size());
  fft.forward_unordered(x, unordered);
  fft.inverse_unordered(unordered, back);
  EXPECT_LT(relative_error(back, x), 2 * limit);
}

TYPED_TEST(FftOfType, EqualsTheReferenceAtEverySizeOnEveryTarget) {
  for (const std::size_t size : sizes_to_try()) {
    const auto x = noise<TypeParam>(size, 1);
    const auto expected = reference_bins(x);
    for_each_target([&](const char* target) {
      SCOPED_TRACE(::testing::Message() << target << ", size " << size);
      check_size(x, expected);
    });
  }
}

TEST(Fft, EqualsNumpy) {
  const auto cases = golden_cases("fft");
  EXPECT_EQ(cases.size(), 8U);
  for (const auto& golden : cases) {
    const std::vector<double> x = golden["x"], numbers = golden["spectrum"];
    FftDouble fft(x.size());
    std::vector<std::complex<double>> spectrum(fft.bins());
    ASSERT_EQ(numbers.size(), 2 * fft.bins());
    fft.forward(x, spectrum);
    for (std::size_t k = 0; k < fft.bins(); ++k) {
      // Double, over at most 64 numbers of size 1.
      EXPECT_NEAR(spectrum[k].real(), numbers[2 * k], 1e-13) << x.size() << " bin " << k;
      EXPECT_NEAR(spectrum[k].imag(), numbers[2 * k + 1], 1e-13) << x.size() << " bin " << k;
    }
  }
}

TEST(Fft, IsAccurateAndGrowsLessThanTheLogarithm) {
  std::vector<double> errors;
  for (const std::size_t size : {256U, 1024U, 4096U, 16384U, 65536U}) {
    const auto x = noise(size, 2);
    Fft fft(size);
    std::vector<std::complex<float>> spectrum(fft.bins());
    fft.forward(x, spectrum);
    errors.push_back(relative_error(spectrum, reference_bins(x)));
    EXPECT_LE(errors.back(), 3e-7) << size;
  }
  // From 2^8 to 2^16 the logarithm doubles.
  EXPECT_LE(errors.back(), 2.0 * errors.front());
}

TEST(Fft, TurnsAnImpulseIntoAFlatSpectrumAndASineIntoOneBin) {
  for (const std::size_t size : {480U, 1024U}) {
    Fft fft(size);
    std::vector<std::complex<float>> spectrum(fft.bins());
    std::vector<float> x(size, 0.0F);
    x[0] = 1.0F;
    fft.forward(x, spectrum);
    for (const auto bin : spectrum) EXPECT_EQ(bin, std::complex<float>(1.0F, 0.0F));
    for (std::size_t i = 0; i < size; ++i) {
      x[i] = static_cast<float>(std::sin(2.0 * M_PI * 5.0 * double(i) / double(size)));
    }
    fft.forward(x, spectrum);
    std::vector<float> db(fft.bins());
    power<float>(spectrum, db);
    for (float& v : db) v = 10.0F * std::log10(v / (0.25F * float(size) * float(size)) + 1e-20F);
    EXPECT_NEAR(db[5], 0.0F, 1e-4F);
    for (std::size_t k = 0; k < db.size(); ++k) {
      if (k == 5) continue;
      EXPECT_LT(db[k], -130.0F) << k;  // float32's rounding
    }
  }
}

TEST(Fft, KeepsEnergyAndSums) {
  constexpr std::size_t kSize = 2048;
  Fft fft(kSize);
  const auto a = noise(kSize, 3), b = noise(kSize, 4);
  std::vector<float> sum(kSize);
  for (std::size_t i = 0; i < kSize; ++i) sum[i] = 2.0F * a[i] - 3.0F * b[i];
  std::vector<std::complex<float>> fa(fft.bins()), fb(fft.bins()), fs(fft.bins()),
      linear(fft.bins());
  fft.forward(a, fa);
  fft.forward(b, fb);
  fft.forward(sum, fs);
  double time = 0.0, frequency = 0.0;
  for (const float v : a) time += double(v) * v;
  for (std::size_t k = 0; k < fft.bins(); ++k) {
    linear[k] = 2.0F * fa[k] - 3.0F * fb[k];
    const double weight = k == 0 || k == kSize / 2 ? 1.0 : 2.0;
    frequency += weight * std::norm(std::complex<double>(fa[k])) / kSize;
  }
  EXPECT_NEAR(frequency / time, 1.0, 1e-6);  // Parseval, in float32
  EXPECT_LT(relative_error(fs, linear), 5e-7);
}

TEST(Fft, MultipliesUnorderedSpectraIntoACircularConvolution) {
  for (const std::size_t size : {15U, 36U, 64U, 120U, 480U, 1024U, 8192U}) {
    Fft fft(size);
    const auto a = noise(size, 5), b = noise(size, 6);
    std::vector<float> fa(fft.unordered_size()), fb(fa.size()), product(fa.size(), 0.0F), out(size);
    fft.forward_unordered(a, fa);
    fft.forward_unordered(b, fb);
    fft.multiply_accumulate(fa, fb, product);
    fft.inverse_unordered(product, out);
    std::vector<double> expected(size, 0.0);
    for (std::size_t i = 0; i < size; ++i) {
      for (std::size_t j = 0; j < size; ++j) expected[(i + j) % size] += double(a[i]) * b[j];
    }
    EXPECT_LT(relative_error(out, expected), 5e-7) << size;  // three transforms of float32
  }
}

TEST(Fft, BatchesFromSeveralThreadsEqualSingleTransforms) {
  constexpr std::size_t kSize = 960, kCount = 6;
  Fft fft(kSize);
  const auto x = noise(kSize * kCount, 7);
  std::vector<std::complex<float>> expected(fft.bins() * kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    fft.forward(std::span(x).subspan(i * kSize, kSize),
                std::span(expected).subspan(i * fft.bins(), fft.bins()));
  }
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      auto scratch = fft.make_scratch();
      std::vector<std::complex<float>> spectra(expected.size());
      std::vector<float> back(x.size());
      for (int round = 0; round < 20; ++round) {
        fft.forward_batch(x, spectra, scratch);
        EXPECT_EQ(spectra, expected);
        fft.inverse_batch(spectra, back, scratch);
      }
      EXPECT_LT(relative_error(back, x), 5e-7);
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(Fft, InStepsEqualsTheWholeTransform) {
  for_each_target([](const char* target) {
    for (const std::size_t size : {15U, 480U, 1024U, 2048U, 6000U, 8192U, 32768U, 65536U}) {
      Fft fft(size);
      const auto x = noise(size, 10);
      std::vector<float> whole(fft.unordered_size()), stepped(whole.size()), back(size);
      fft.forward_unordered(x, whole);
      for (std::size_t i = 0; i < fft.steps(); ++i) fft.forward_unordered_step(i, x, stepped);
      EXPECT_EQ(stepped, whole) << target << " " << size;
      for (std::size_t i = 0; i < fft.steps(); ++i) fft.inverse_unordered_step(i, stepped, back);
      EXPECT_LT(relative_error(back, x), 6e-7) << target << " " << size;  // two transforms
    }
    EXPECT_GT(Fft(65536).steps(), 16U);
  });
}

TEST(Fft, IsRealtimeAfterConstruction) {
  for (const std::size_t size : {64U, 256U, 480U, 4410U, 1001U, 16384U}) {
    Fft fft(size);
    const auto x = noise(size, 8);
    std::vector<std::complex<float>> spectrum(fft.bins());
    std::vector<float> back(size), unordered(fft.unordered_size()), sum(unordered.size());
    auto scratch = fft.make_scratch();
    metalaudio::testing::RealtimeGuard guard;
    fft.forward(x, spectrum);
    fft.inverse(spectrum, back);
    fft.forward_batch(x, spectrum, scratch);
    fft.forward_unordered(x, unordered);
    fft.multiply_accumulate(unordered, unordered, sum);
    fft.inverse_unordered(sum, back);
  }
}

TEST(Fft, LetsNanThroughAndRecovers) {
  Fft fft(256);
  auto x = noise(256, 9);
  std::vector<std::complex<float>> before(fft.bins()), spectrum(fft.bins());
  fft.forward(x, before);
  const float kept = x[17];
  x[17] = std::nanf("");
  fft.forward(x, spectrum);
  EXPECT_TRUE(std::isnan(spectrum[3].real()));
  x[17] = kept;
  fft.forward(x, spectrum);
  EXPECT_EQ(spectrum, before);
}

TEST(Fft, RefusesSizes) {
  EXPECT_THROW(Fft(0), Error);
  EXPECT_THROW(Fft(static_cast<std::size_t>(-4)), Error);
  EXPECT_THROW(ComplexFft(0), Error);
}

TEST(Spectrum, GivesMagnitudePowerAndPhase) {
  const std::vector<std::complex<float>> x = {{3.0F, 4.0F}, {0.0F, -2.0F}, {-1.0F, 0.0F}};
  std::vector<float> out(3);
  magnitude<float>(x, out);
  EXPECT_EQ(out, (std::vector<float>{5.0F, 2.0F, 1.0F}));
  power<float>(x, out);
  EXPECT_EQ(out, (std::vector<float>{25.0F, 4.0F, 1.0F}));
  phase<float>(x, out);
  EXPECT_FLOAT_EQ(out[1], -1.57079633F);
  EXPECT_FLOAT_EQ(out[2], 3.14159265F);
}

}  // namespace
}  // namespace metalaudio::dsp
