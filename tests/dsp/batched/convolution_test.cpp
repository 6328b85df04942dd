#include <metalaudio/dsp/batched_convolution.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "tests/dsp/batched/device.h"
#include "tests/support/test_folder.h"

namespace metalaudio::dsp {
namespace {

using Irs = std::vector<std::vector<float>>;

std::int64_t extent(std::size_t n) { return static_cast<std::int64_t>(n); }

std::vector<std::span<const float>> spans(const Irs& irs) { return {irs.begin(), irs.end()}; }

/// The definition, in double: room samples of each channel.
std::vector<double> convolved(const std::vector<float>& x, std::size_t channels, const Irs& irs,
                              std::size_t room) {
  const std::size_t samples = x.size() / channels;
  std::vector<double> y(channels * room);
  for (std::size_t c = 0; c < channels; ++c) {
    const std::vector<float>& ir = irs[irs.size() == 1 ? 0 : c];
    for (std::size_t i = 0; i < samples; ++i) {
      const double v = x[c * samples + i];
      for (std::size_t k = 0; k < std::min(ir.size(), room - i); ++k) {
        y[c * room + i + k] += v * ir[k];
      }
    }
  }
  return y;
}

/// A transform and back, and the products of partitions, which add up as noise does.
double tolerance(std::size_t block) { return 3 * fft_tolerance(2 * block); }

std::vector<float> columns(const std::vector<float>& x, std::size_t channels, std::size_t first,
                           std::size_t count) {
  const std::size_t samples = x.size() / channels;
  std::vector<float> some;
  for (std::size_t c = 0; c < channels; ++c) {
    const auto from = x.begin() + static_cast<std::ptrdiff_t>(c * samples + first);
    some.insert(some.end(), from, from + static_cast<std::ptrdiff_t>(count));
  }
  return some;
}

std::vector<float> process(BatchedConvolution& convolution, const std::vector<float>& x) {
  const std::size_t channels = convolution.channels();
  const Shape shape{extent(channels), extent(x.size() / channels)};
  Tensor out = poisoned(shape);
  convolution.process(tensor_of(x, shape).view(), out.view());
  return values_of(out);
}

TEST(BatchedConvolution, StreamsEqualTheDefinitionForEveryPartition) {
  for (const std::size_t block : {16, 64, 512, 8192}) {
    // Shorter than a block, of one, a little longer, of many.
    for (const std::size_t taps : {std::size_t{1}, block - 1, block, block + 1, 9 * block + 5}) {
      if (taps * block > 1U << 20U && taps > block + 1) continue;  // the definition takes too long
      SCOPED_TRACE(testing::Message() << taps << " taps, blocks of " << block);
      const Irs irs{noise(taps, 2)};
      BatchedConvolution convolution(spans(irs), {.channels = 2, .block_samples = block},
                                     batched_test_options());
      EXPECT_EQ(convolution.ir_samples(), taps);
      const std::size_t frames = (block > 1000 ? 3 : 21) * block;
      const std::vector<float> x = noise(2 * frames);
      const std::vector<double> expected = convolved(x, 2, irs, frames);
      EXPECT_LE(relative_error<double>(process(convolution, x), expected), tolerance(block));
    }
  }
}

TEST(BatchedConvolution, BlocksGoOnWhereTheLastOneEnded) {
  constexpr std::size_t kBlock = 64;
  constexpr std::size_t kBlocks = 40;
  const Irs irs{noise(1000, 2), noise(100, 3), noise(700, 4)};
  BatchedConvolution whole(spans(irs), {.channels = 3, .block_samples = kBlock},
                           batched_test_options());
  BatchedConvolution parts(spans(irs), {.channels = 3, .block_samples = kBlock},
                           batched_test_options());
  const std::vector<float> x = noise(3 * kBlocks * kBlock);
  const std::vector<float> expected = process(whole, x);
  EXPECT_LE(relative_error<double>(expected, convolved(x, 3, irs, kBlocks * kBlock)),
            tolerance(kBlock));
  std::size_t at = 0;
  for (const std::size_t blocks : {1, 2, 3, 0, 1, 8, 9, 16}) {
    const std::vector<float> out = process(parts, columns(x, 3, at * kBlock, blocks * kBlock));
    EXPECT_EQ(out, columns(expected, 3, at * kBlock, blocks * kBlock)) << "block " << at;
    at += blocks;
  }
  ASSERT_EQ(at, kBlocks);
  parts.reset();
  EXPECT_EQ(process(parts, columns(x, 3, 0, 2 * kBlock)), columns(expected, 3, 0, 2 * kBlock));
}

TEST(BatchedConvolution, ConvolvesWholeSignalsOfAnyLength) {
  for (const std::size_t samples : {1, 63, 64, 1000, 5001}) {
    for (const std::size_t taps : {1, 2, 64, 129, 999}) {
      SCOPED_TRACE(testing::Message() << samples << " samples, " << taps << " taps");
      const Irs irs{noise(taps, 5)};
      BatchedConvolution convolution(spans(irs), {.channels = 2, .block_samples = 64},
                                     batched_test_options());
      process(convolution, noise(2 * 64, 7));  // which is forgotten
      const std::vector<float> x = noise(2 * samples);
      const std::size_t room = samples + taps - 1;
      Tensor out = poisoned({2, extent(room)});
      convolution.convolve(tensor_of(x, {2, extent(samples)}).view(), out.view());
      EXPECT_LE(relative_error<double>(values_of(out), convolved(x, 2, irs, room)), tolerance(64));
    }
  }
}

TEST(BatchedConvolution, HundredsOfChannelsInTurns) {
  // More than a turn takes at a time: 300 · 16384 samples.
  const Irs irs{noise(300, 2)};
  constexpr std::size_t kFrames = 16384;
  BatchedConvolution convolution(spans(irs), {.channels = 300, .block_samples = 512},
                                 batched_test_options());
  const std::vector<float> x = noise(300 * kFrames);
  const std::vector<float> out = process(convolution, x);
  for (const std::size_t c : {0, 299}) {
    const auto row = [&](const std::vector<float>& all) {
      return std::span(all).subspan(c * kFrames, kFrames);
    };
    const std::vector<float> channel(row(x).begin(), row(x).end());
    EXPECT_LE(relative_error<double>(row(out), convolved(channel, 1, irs, kFrames)),
              tolerance(512));
  }
}

TEST(BatchedConvolution, TakesWhatIsNotFiniteForSilenceAndSaysSo) {
  const Irs irs{noise(200, 2)};
  std::vector<float> x = noise(256);
  std::vector<float> clean = x;
  x[10] = std::numeric_limits<float>::quiet_NaN();
  x[255] = -std::numeric_limits<float>::infinity();
  clean[10] = clean[255] = 0;
  BatchedConvolution convolution(spans(irs), {.block_samples = 64}, batched_test_options());
  BatchedConvolution other(spans(irs), {.block_samples = 64}, batched_test_options());
  EXPECT_EQ(process(convolution, x), process(other, clean));
  EXPECT_EQ(process(convolution, clean), process(other, clean));
  EXPECT_EQ(convolution.take_status(), Trouble::input_replaced);
  EXPECT_EQ(convolution.take_status(), Trouble::none);
  EXPECT_EQ(other.take_status(), Trouble::none);
}

TEST(BatchedConvolution, RefusesResponsesBlocksAndShapes) {
  const auto make = [](const Irs& irs, const BatchedConvolutionOptions& options) {
    BatchedConvolution(spans(irs), options, batched_test_options());
  };
  const auto refuses = [&](const char* text, const Irs& irs, BatchedConvolutionOptions options) {
    expect_error(ErrorCode::invalid_argument, text, [&] { make(irs, options); });
  };
  refuses("silent", {{}}, {});
  refuses("silent", {{0, 0}}, {});
  refuses("not finite", {{1, std::numeric_limits<float>::infinity()}}, {});
  refuses("2 responses for 3 channels", {{1}, {1}}, {.channels = 3});
  refuses("for 0 channels", {{1}}, {.channels = 0});
  refuses("at most 65535", {{1}}, {.channels = 65536});
  refuses("blocks of 100 samples", {{1}}, {.block_samples = 100});
  refuses("blocks of 8 samples", {{1}}, {.block_samples = 8});
  const Irs irs{{1, 2}};
  BatchedConvolution convolution(spans(irs), {.block_samples = 64}, batched_test_options());
  Tensor x = poisoned({1, 100});
  Tensor y = poisoned({1, 100});
  expect_error(ErrorCode::invalid_argument, "multiple of 64",
               [&] { convolution.process(x.view(), y.view()); });
  expect_error(ErrorCode::invalid_argument, "expected [1, 101]",
               [&] { convolution.convolve(x.view(), y.view()); });
}

}  // namespace
}  // namespace metalaudio::dsp
