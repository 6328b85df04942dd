#include <gtest/gtest.h>
#include <metalaudio/core/half.h>
#include <metalaudio/nn/cpu/gemm/gemm_pairs.h>
#include <metalaudio/nn/cpu/gemm/pair_epilogue.h>

#include <cmath>
#include <limits>
#include <vector>

namespace metalaudio::nn::cpu {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

class PairEpilogue : public testing::Test {
 protected:
  /// Whether there is a processor for it; without one nothing calls it.
  static bool runs() { return GemmPairs::available(GemmPairs::Unit::vectors); }

  static Numbers numbers(std::vector<float>& of) {
    return {reinterpret_cast<std::byte*>(of.data()), false};
  }
  static Numbers numbers(std::vector<BFloat16>& of) {
    return {reinterpret_cast<std::byte*>(of.data()), true};
  }

  /// The first of `columns` results of one row of a panel.
  static std::vector<float> finish(const std::vector<float>& panel, std::size_t columns,
                                   PairOutput output) {
    std::vector<float> result(columns);
    output.base = numbers(result);
    finish_pairs({panel.data(), 1, 0, columns}, output);
    return result;
  }

  static float activated(float x, Activation activation) {
    std::vector<float> panel(kPairPanelColumns, x);
    if (activation == Activation::glu) std::fill_n(panel.begin(), kPairTileColumns, 1.0F);
    return finish(panel, 1, {.activation = activation})[0];
  }
};

TEST_F(PairEpilogue, GeluAndSigmoidAreAsExactAsBfloat16Asks) {
  if (!runs()) return;
  for (int i = -3000; i <= 3000; ++i) {
    const double x = 0.005 * i + 1e-4;
    const double gelu = x * 0.5 * std::erfc(-x / std::sqrt(2.0));
    const double error = std::abs(activated(static_cast<float>(x), Activation::gelu) - gelu);
    // A fit of seven terms; a number near 1 is rounded by 2e-3.
    EXPECT_LT(error, 2.2e-4) << x;
    if (std::abs(x) < 1) {
      EXPECT_LT(error, 1.3e-3 * std::abs(gelu)) << x;
    }
    const double sigmoid = 1 / (1 + std::exp(-x));
    EXPECT_LT(std::abs(activated(static_cast<float>(x), Activation::glu) - sigmoid),
              0x1p-12 * sigmoid)
        << x;
  }
}

TEST_F(PairEpilogue, ActivationsGiveTheirLimitsAndKeepNaN) {
  if (!runs()) return;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(activated(kInfinity, Activation::gelu), kInfinity);
  EXPECT_NEAR(activated(-kInfinity, Activation::gelu), 0, 2.2e-4);
  EXPECT_NEAR(activated(kInfinity, Activation::glu), 1, 0x1p-12);
  EXPECT_EQ(activated(-kInfinity, Activation::glu), 0);
  EXPECT_NEAR(activated(200, Activation::glu), 1, 0x1p-12);
  EXPECT_EQ(activated(-200, Activation::glu), 0);
  EXPECT_NEAR(activated(0.5F, Activation::tanh), std::tanh(0.5), 1e-6);
  for (const Activation activation : {Activation::gelu, Activation::glu, Activation::tanh})
    EXPECT_TRUE(std::isnan(activated(nan, activation)));
}

TEST_F(PairEpilogue, WritesAndAddsWhatItIsToldAndNoMore) {
  if (!runs()) return;
  constexpr std::size_t kRows = 3;
  for (const std::size_t columns : {1U, 15U, 16U, 17U, 31U, 32U}) {
    std::vector<float> panel(kRows * kPairPanelColumns);
    for (std::size_t i = 0; i < panel.size(); ++i) panel[i] = 0.25F * static_cast<float>(i % 37);
    std::vector<float> scale(columns, 2.0F);
    std::vector<float> shift(columns, -1.0F);
    std::vector<BFloat16> more(kRows * columns, BFloat16(8.0F));
    std::vector<BFloat16> halves((kRows + 1) * columns, BFloat16(-5.0F));
    std::vector<float> floats((kRows + 1) * columns, -5.0F);
    const auto stride = static_cast<std::ptrdiff_t>(columns);
    const PairOutput to_floats{.base = numbers(floats),
                               .row_stride = stride,
                               .residual = numbers(more),
                               .residual_row_stride = stride,
                               .scale = scale.data(),
                               .shift = shift.data()};
    PairOutput to_halves = to_floats;
    to_halves.base = numbers(halves);
    finish_pairs({panel.data(), kRows, 0, columns}, to_floats);
    finish_pairs({panel.data(), kRows, 0, columns}, to_halves);
    for (std::size_t i = 0; i < floats.size(); ++i) {
      const float x = panel[std::min(i / columns, kRows - 1) * kPairPanelColumns + i % columns];
      const float expected = i < kRows * columns ? 2 * x - 1 + 8 : -5;
      EXPECT_EQ(floats[i], expected) << columns << ": " << i;
      EXPECT_EQ(halves[i].bits, BFloat16(expected).bits) << columns << ": " << i;
    }
  }
}

TEST_F(PairEpilogue, GroupsOfColumnsGoToPlacesOfTheirOwn) {
  if (!runs()) return;
  // Groups of 16 columns, 10 of which are results; the first is dropped, and the third.
  std::vector<float> panel(kPairPanelColumns);
  for (std::size_t i = 0; i < panel.size(); ++i) panel[i] = static_cast<float>(i);
  std::vector<float> result(60, -1.0F);
  const PairOutput output{.base = numbers(result), .groups = {16, 10, 20, 1, 2}};
  finish_pairs({panel.data(), 1, 0, 48}, output);
  finish_pairs({panel.data(), 1, 32, 48}, output);
  for (std::size_t i = 0; i < result.size(); ++i) {
    EXPECT_EQ(result[i], i >= 20 && i < 30 ? static_cast<float>(i - 4) : -1.0F) << i;
  }
}

}  // namespace
}  // namespace metalaudio::nn::cpu
