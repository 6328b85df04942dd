#include <metalaudio/core/error.h>
#include <metalaudio/dsp/stft_stream.h>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "realtime_guard.h"
#include "signals.h"

namespace metalaudio::dsp {
namespace {

StftOptions streaming(std::size_t size, std::size_t hop) {
  return {.fft_size = size, .hop_samples = hop, .center = false, .normalized = true};
}

const auto unchanged = [](std::span<std::complex<float>>) {};

std::vector<float> run(StftStream& stream, const std::vector<float>& x, std::size_t block) {
  std::vector<float> y(x.size());
  for (std::size_t at = 0; at < x.size(); at += block) {
    const std::size_t count = std::min(block, x.size() - at);
    stream.process(std::span(x).subspan(at, count), std::span(y).subspan(at, count), unchanged);
  }
  return y;
}

TEST(StftStream, GivesItsInputBackBelowMinus120Db) {
  for (const std::size_t size : {512U, 480U, 1024U}) {
    for (const std::size_t overlap : {2U, 4U}) {
      StftStream stream(streaming(size, size / overlap));
      const auto x = noise(6000, 1);
      const auto y = run(stream, x, 64);
      const std::vector<float> delayed(y.begin() + std::ptrdiff_t(stream.latency_samples()),
                                       y.end());
      EXPECT_LT(20.0 * std::log10(relative_error(delayed, x)), -120.0) << size << " " << overlap;
    }
  }
}

TEST(StftStream, DoesNotDependOnTheBlockSizeAndStartsAfreshAfterReset) {
  StftStream stream(streaming(512, 128));
  const auto x = noise(9000, 2);
  const auto expected = run(stream, x, 64);
  for (const std::size_t block : {1U, 7U, 480U, 512U, 4096U}) {
    stream.reset();
    EXPECT_EQ(run(stream, x, block), expected) << block;
  }
}

TEST(StftStream, AnalysesTheFramesOfTheWholeTransform) {
  const auto options = streaming(256, 64);
  StftAnalyzer analyzer(options);
  const Stft stft(options);
  const auto x = noise(1000, 3);
  std::vector<float> padded(256 - 64, 0.0F);  // the silence before the first sample
  padded.insert(padded.end(), x.begin(), x.end());
  std::vector<std::complex<float>> expected(stft.frames(padded.size()) * stft.bins()), got;
  stft.forward(padded, expected);
  analyzer.process(x, [&](std::span<std::complex<float>> frame) {
    got.insert(got.end(), frame.begin(), frame.end());
  });
  EXPECT_EQ(got, expected);
}

TEST(StftStream, RunsTenThousandBlocksInRealtime) {
  StftStream stream(streaming(512, 128));
  const auto x = noise(64, 4);
  std::vector<float> y(64);
  metalaudio::testing::RealtimeGuard guard;
  for (int block = 0; block < 10000; ++block) stream.process(x, y, unchanged);
}

TEST(StftStream, ReplacesBadInputBySilenceAndSaysSo) {
  StftStream stream(streaming(256, 64));
  auto x = noise(3000, 5);
  auto clean = x;
  clean[700] = 0.0F;
  const auto expected = run(stream, clean, 64);
  EXPECT_EQ(stream.take_status(), Trouble::none);
  stream.reset();
  x[700] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(run(stream, x, 64), expected);
  EXPECT_EQ(stream.take_status(), Trouble::input_replaced);
  EXPECT_EQ(stream.status(), Trouble::none);
}

TEST(StftStream, SilencesWhatASpectrumShouldNotHoldAndSaysSo) {
  StftStream stream(streaming(256, 64));
  const auto x = noise(3000, 6);
  std::vector<float> y(x.size());
  int frame = 0;
  stream.process(x, y, [&](std::span<std::complex<float>> spectrum) {
    if (++frame == 10) spectrum[3] = std::numeric_limits<float>::quiet_NaN();
  });
  for (const float v : y) ASSERT_TRUE(std::isfinite(v));
  EXPECT_EQ(stream.take_status(), Trouble::output_silenced);
  EXPECT_EQ(stream.status(), Trouble::none);
}

TEST(StftStream, RefusesWhatCannotStream) {
  EXPECT_THROW(StftStream(StftOptions{.fft_size = 256}), Error);  // centred
  // A Hann window is zero where it begins: with nothing over it, that sample is lost.
  EXPECT_THROW(StftSynthesizer(streaming(256, 256)), Error);
  EXPECT_THROW(StftAnalyzer(streaming(0, 1)), Error);
  EXPECT_THROW(StftAnalyzer(streaming(256, 257)), Error);
  EXPECT_THROW(StftSynthesizer(streaming(256, 257)), Error);
}

struct Cola {
  WindowShape shape;
  std::size_t divisor;
  bool ok;
};

TEST(Cola, HoldsTheOriginalsTable) {
  constexpr std::size_t kSize = 1200;
  const std::vector<Cola> table = {
      {WindowShape::hann, 2, true},     {WindowShape::hann, 4, true},
      {WindowShape::blackman, 3, true}, {WindowShape::blackman, 4, true},
      {WindowShape::blackman, 6, true}, {WindowShape::hamming, 2, true},
      {WindowShape::hamming, 4, true},  {WindowShape::rectangular, 1, true},
      {WindowShape::hann, 1, false},    {WindowShape::blackman, 2, false},
  };
  for (const Cola& row : table) {
    const auto window = make_window(kSize, {.shape = row.shape});
    const ColaResult result = validate_cola(window, kSize / row.divisor);
    EXPECT_EQ(result.ok, row.ok) << to_string(row.shape) << " " << row.divisor << result.message;
    if (row.ok) {
      EXPECT_LE(result.worst_deviation, 1e-3);
    } else {
      EXPECT_GT(result.worst_deviation, 0.01);
    }
    EXPECT_NE(result.message.find("of 1200"), std::string::npos) << result.message;
  }
  EXPECT_FALSE(validate_cola(make_window(16), 0).ok);
  EXPECT_FALSE(validate_cola(make_window(16), 17).ok);
  EXPECT_TRUE(Stft({.fft_size = 512}).validate_cola().ok);
}

}  // namespace
}  // namespace metalaudio::dsp
