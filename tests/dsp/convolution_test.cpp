#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/error.h>
#include <metalaudio/dsp/convolution.h>
#include <metalaudio/dsp/convolution/cpu/convolution_kernels.h>
#include <metalaudio/dsp/convolve.h>

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

#include "golden.h"
#include "realtime_guard.h"
#include "signals.h"
#include "tests/support/simd_targets.h"

namespace metalaudio::dsp {
namespace {

static_assert(!std::is_copy_constructible_v<Convolution>, "two threads' state must not be copied");
template <typename T>
concept TakesSamplesOf = requires(Convolution c, std::span<const T> x, std::span<T> y) {
  c.process(x, y);
};
static_assert(TakesSamplesOf<float> && !TakesSamplesOf<double> && !TakesSamplesOf<short>);

/// A decaying room of noise.
std::vector<float> response(std::size_t size, unsigned seed) {
  auto ir = noise(size, seed);
  for (std::size_t i = 0; i < size; ++i) {
    ir[i] *= std::exp(-4.0F * static_cast<float>(i) / static_cast<float>(size));
  }
  return ir;
}

/// The first samples of the convolution, by the definition.
std::vector<double> by_definition(const std::vector<float>& x, const std::vector<float>& ir) {
  std::vector<double> y(x.size(), 0.0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t t = 0; t < std::min(ir.size(), i + 1); ++t) y[i] += double(ir[t]) * x[i - t];
  }
  return y;
}

std::vector<float> run(Convolution& convolution, const std::vector<float>& x, std::size_t block) {
  std::vector<float> y(x.size());
  for (std::size_t at = 0; at < x.size(); at += block) {
    const std::size_t count = std::min(block, x.size() - at);
    convolution.process(std::span(x).subspan(at, count), std::span(y).subspan(at, count));
  }
  return y;
}

TEST(ConvolutionKernels, EqualTheirScalarReferenceOnEveryTarget) {
  const auto x = noise(4096, 1), taps = noise(200, 2);
  for_each_target([&](const char* target) {
    const ConvolutionKernels& kernels = convolution_kernels();
    for (const std::size_t n : {1U, 3U, 8U, 31U, 64U, 129U}) {
      for (const std::size_t count : {1U, 7U, 64U, 200U}) {
        std::vector<float> got(n, 0.5F), expected(n, 0.5F);
        kernels.direct(x.data() + 256, taps.data(), count, n, got.data());
        kConvolutionReference.direct(x.data() + 256, taps.data(), count, n, expected.data());
        EXPECT_LT(relative_error(got, expected), 5e-6) << target << " " << n << " " << count;
      }
    }
    Array<float> a(1024), b(1024), got(256), expected(256);
    std::copy_n(x.begin(), 1024, a.begin());
    std::copy_n(x.begin() + 1024, 1024, b.begin());
    const float* as[] = {a.data(), a.data() + 256, a.data() + 512};
    const float* bs[] = {b.data(), b.data() + 512, b.data() + 256};
    for (const std::size_t count : {0U, 1U, 3U}) {
      kernels.multiply_sum(as, bs, count, 128, 16, 112, got.data());
      kConvolutionReference.multiply_sum(as, bs, count, 128, 16, 112, expected.data());
      EXPECT_LT(relative_error(got, expected), 1e-6) << target << " " << count;
    }
  });
}

TEST(Convolution, EqualsTheDefinitionForEveryLengthOfResponse) {
  const auto x = noise(9000, 3);
  for (const std::size_t taps : {1U, 2U, 63U, 64U, 65U, 128U, 129U, 500U, 1025U, 3000U, 8999U}) {
    const auto ir = response(taps, 4);
    const auto expected = by_definition(x, ir);
    for (const auto scheme : {PartitionScheme::uniform, PartitionScheme::non_uniform}) {
      Convolution convolution(ir, {.method = ConvolutionMethod::partitioned, .scheme = scheme});
      // Float32 transforms of up to 2^14 points.
      EXPECT_LT(relative_error(run(convolution, x, 64), expected), 1e-6) << taps;
    }
    Convolution direct(ir, {.method = ConvolutionMethod::direct});
    // 9,000 products summed in float32.
    EXPECT_LT(relative_error(run(direct, x, 64), expected), 5e-6) << taps;
  }
}

TEST(Convolution, OfAnImpulseIsTheResponseWithoutLatency) {
  const auto ir = response(200000, 5);
  Convolution convolution(ir);
  std::vector<float> x(ir.size(), 0.0F);
  x[0] = 1.0F;
  const auto y = run(convolution, x, 64);
  EXPECT_LT(relative_error(y, ir), 1e-6);
  EXPECT_NEAR(y[0], ir[0], 1e-6F);
}

TEST(Convolution, DoesNotDependOnTheBlockSize) {
  const auto ir = response(20000, 6);
  const auto x = noise(30000, 7);
  Convolution convolution(ir);
  const auto expected = run(convolution, x, 64);
  for (const std::size_t block : {1U, 7U, 480U, 512U, 4096U}) {
    convolution.reset();
    EXPECT_EQ(run(convolution, x, block), expected) << block;
  }
}

TEST(Convolution, StartsAfreshAfterReset) {
  const auto ir = response(5000, 8);
  const auto x = noise(12345, 9);
  Convolution convolution(ir);
  const auto first = run(convolution, x, 100);
  convolution.reset();
  EXPECT_EQ(run(convolution, x, 100), first);
}

TEST(Convolution, RoutesEveryInputToEveryOutput) {
  constexpr std::size_t kIn = 2, kOut = 3, kFrames = 4000;
  AudioBuffer ir(kIn * kOut, 700);
  std::vector<std::vector<float>> x, irs;
  for (std::size_t c = 0; c < ir.channels(); ++c) {
    irs.push_back(response(700, 10 + unsigned(c)));
    std::copy(irs[c].begin(), irs[c].end(), ir.channel(c).begin());
  }
  for (std::size_t i = 0; i < kIn; ++i) x.push_back(noise(kFrames, 20 + unsigned(i)));
  Convolution convolution(convolution_routes(ir, kIn, kOut), {.inputs = kIn, .outputs = kOut});
  std::vector<std::vector<float>> y(kOut, std::vector<float>(kFrames));
  const float* in[] = {x[0].data(), x[1].data()};
  float* out[] = {y[0].data(), y[1].data(), y[2].data()};
  convolution.process({in, kFrames}, {out, kFrames});
  for (std::size_t o = 0; o < kOut; ++o) {
    auto expected = by_definition(x[0], irs[o]);
    const auto other = by_definition(x[1], irs[kOut + o]);
    for (std::size_t k = 0; k < kFrames; ++k) expected[k] += other[k];
    EXPECT_LT(relative_error(y[o], expected), 1e-6) << o;
  }
  EXPECT_EQ(convolution_routes(AudioBuffer(1, 4), 2, 2).size(), 2U);
  EXPECT_EQ(convolution_routes(AudioBuffer(2, 4), 2, 2).size(), 2U);
  EXPECT_EQ(convolution_routes(AudioBuffer(4, 4), 2, 2).size(), 4U);
  EXPECT_THROW(convolution_routes(AudioBuffer(3, 4), 2, 2), Error);
}

TEST(Convolution, SwapsResponsesWithoutAClickAndEndsInTheNewOne) {
  const std::vector<float> one = {1.0F}, half = {0.5F};
  Convolution convolution(one, {.crossfade_samples = 500});
  std::vector<float> x(4000);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(0.02F * static_cast<float>(i));
  const auto before = run(convolution, x, 64);
  convolution.swap_ir(half);
  const auto during = run(convolution, x, 64);
  for (std::size_t i = 1; i < x.size(); ++i) {
    // The sine's own slope, and the fade's.
    EXPECT_LT(std::abs(during[i] - during[i - 1]), 0.02F + 0.5F / 500.0F + 1e-4F) << i;
  }
  for (std::size_t i = 600; i < x.size(); ++i) EXPECT_NEAR(during[i], 0.5F * x[i], 1e-6F);
  EXPECT_NEAR(before[100], x[100], 1e-6F);
}

TEST(Convolution, LetsTheOldResponseRingOut) {
  std::vector<float> echo(3000, 0.0F);
  echo[2999] = 1.0F;
  Convolution convolution(echo, {.crossfade_samples = 100});
  std::vector<float> x(200, 0.0F);
  x[150] = 1.0F;
  run(convolution, x, 64);
  convolution.swap_ir(std::vector<float>{0.25F});
  const auto y = run(convolution, std::vector<float>(5000, 0.0F), 64);
  EXPECT_NEAR(y[2999 + 150 - 200], 1.0F, 1e-6F);
}

TEST(Convolution, ReplacesBadInputBySilenceAndSaysSo) {
  const auto ir = response(3000, 11);
  auto x = noise(8000, 12);
  Convolution convolution(ir);
  auto clean = x;
  for (const std::size_t i : {100U, 101U, 5000U}) clean[i] = 0.0F;
  const auto expected = run(convolution, clean, 64);
  EXPECT_EQ(convolution.status(), Trouble::none);
  convolution.reset();
  x[100] = std::numeric_limits<float>::quiet_NaN();
  x[101] = std::numeric_limits<float>::infinity();
  x[5000] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(run(convolution, x, 64), expected);
  EXPECT_EQ(convolution.take_status(), Trouble::input_replaced);
  EXPECT_EQ(convolution.status(), Trouble::none);
}

TEST(Convolution, TakesDenormalsForSilence) {
  Convolution convolution(response(3000, 13));
  const std::vector<float> x(6000, 1e-40F);
  for (const float y : run(convolution, x, 64)) ASSERT_EQ(y, 0.0F);
}

TEST(Convolution, RunsTenThousandBlocksWithSwapsInRealtime) {
  const auto a = response(30000, 14), b = response(100, 15);
  Convolution convolution(a, {.crossfade_samples = 256});
  const auto x = noise(64, 16);
  std::vector<float> y(64);
  for (int block = 0; block < 10000; ++block) {
    if (block % 100 == 50) convolution.swap_ir(block % 200 == 50 ? b : a);
    metalaudio::testing::RealtimeGuard guard;
    convolution.process(x, y);
  }
}

TEST(Convolution, IsSwappedFromAnotherThread) {
  const auto a = response(2000, 17), b = response(500, 18);
  Convolution convolution(a, {.crossfade_samples = 64});
  std::atomic<bool> stop{false};
  std::thread control([&] {
    for (int i = 0; !stop.load(); ++i) convolution.swap_ir(i % 2 == 0 ? b : a);
  });
  const auto x = noise(64, 19);
  std::vector<float> y(64);
  for (int block = 0; block < 5000; ++block) {
    convolution.process(x, y);
    for (const float v : y) ASSERT_TRUE(std::isfinite(v));
  }
  stop = true;
  control.join();
  convolution.swap_ir(b);
  convolution.reset();
  EXPECT_LT(
      relative_error(run(convolution, noise(3000, 20), 64), by_definition(noise(3000, 20), b)),
      1e-6);
}

TEST(Convolution, RefusesResponsesAndRoutesThatMakeNoSense) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(Convolution(std::vector<float>{}), Error);
  EXPECT_THROW(Convolution(std::vector<float>(100, 0.0F)), Error);
  EXPECT_THROW(Convolution(std::vector<float>{1.0F, nan}), Error);
  const std::vector<float> one = {1.0F};
  // Hours long; the span is never read.
  EXPECT_THROW(Convolution(std::span<const float>(one.data(), std::size_t{1} << 30)), Error);
  const ConvolutionRoute astray{0, 3, one};
  EXPECT_THROW(Convolution(std::span(&astray, 1), {}), Error);
  EXPECT_THROW(Convolution(one, {.inputs = 0}), Error);
  EXPECT_THROW(Convolution(one, {.block_samples = 0}), Error);
  Convolution convolution(one);
  EXPECT_THROW(convolution.swap_ir(std::vector<float>{nan}), Error);
  std::vector<float> y(1);
  convolution.process(one, y);
  EXPECT_EQ(y[0], 1.0F);  // the old response is still there
}

TEST(Convolve, GivesTheWholeConvolutionByEveryMethod) {
  const auto x = noise(3000, 21), ir = response(700, 22);
  auto padded = x;
  padded.resize(x.size() + ir.size() - 1, 0.0F);
  const auto expected = by_definition(padded, ir);
  for (const auto method : {ConvolveMethod::automatic, ConvolveMethod::direct, ConvolveMethod::fft,
                            ConvolveMethod::partitioned}) {
    const auto y = convolve(x, ir, {.method = method});
    ASSERT_EQ(y.size(), expected.size());
    EXPECT_LT(relative_error(y, expected), 2e-6);
  }
  EXPECT_THROW(convolve({}, ir), Error);
  EXPECT_THROW(convolve(x, {}), Error);
}

TEST(Convolve, EqualsScipy) {
  const auto cases = golden_cases("convolution");
  EXPECT_EQ(cases.size(), 3U);
  for (const auto& golden : cases) {
    const std::vector<float> x = golden["x"], ir = golden["ir"];
    const std::vector<double> expected = golden["y"];
    for (const auto method :
         {ConvolveMethod::direct, ConvolveMethod::fft, ConvolveMethod::partitioned}) {
      const auto y = convolve(x, ir, {.method = method});
      ASSERT_EQ(y.size(), expected.size());
      EXPECT_LT(relative_error(y, expected), 1e-6) << ir.size();  // float32
    }
  }
}

TEST(Convolve, TakesAResponseLongerThanTheSignalAndSilence) {
  for (const auto& [samples, taps] : {std::pair(1U, 5000U), std::pair(300U, 5000U)}) {
    const auto x = noise(samples, 23), ir = noise(taps, 24);
    const auto one = convolve(x, ir), other = convolve(ir, x);
    EXPECT_EQ(one, other);
    EXPECT_LT(relative_error(one, by_definition(
                                      [&] {
                                        auto padded = x;
                                        padded.resize(one.size(), 0.0F);
                                        return padded;
                                      }(),
                                      ir)),
              1e-6);
    EXPECT_EQ(convolve(std::vector<float>(samples), ir), std::vector<float>(one.size()));
    EXPECT_EQ(convolve(x, std::vector<float>(taps)), std::vector<float>(one.size()));
  }
  EXPECT_THROW(convolve(std::vector<float>{2e30F}, noise(10, 1)), Error);
}

/// Where the direct form's long sum of floats would be 18 dB worse.
TEST(Convolve, AutomaticIsAsExactAsTheTransform) {
  const auto x = noise(6000, 25), ir = response(4000, 26);
  auto padded = x;
  padded.resize(x.size() + ir.size() - 1, 0.0F);
  const auto expected = by_definition(padded, ir);
  // 4000 products in float32 by a transform.
  EXPECT_LT(relative_error(convolve(x, ir), expected), 4e-7);
}

TEST(Convolve, ChoosesByMeasuredThresholds) {
  EXPECT_EQ(choose_convolve_method(100000, 255), ConvolveMethod::direct);
  EXPECT_EQ(choose_convolve_method(1024, 256), ConvolveMethod::fft);
  EXPECT_EQ(choose_convolve_method(100000, 256), ConvolveMethod::partitioned);
  EXPECT_EQ(choose_convolve_method(1025, 256), ConvolveMethod::partitioned);
  // The original's table, for those who want it.
  EXPECT_EQ(choose_convolve_method(100000, 16383, {.fft_samples = 16384, .fft_share = 0.5}),
            ConvolveMethod::direct);
}

}  // namespace
}  // namespace metalaudio::dsp
