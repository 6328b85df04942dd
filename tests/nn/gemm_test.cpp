#include <gtest/gtest.h>
#include <metalaudio/core/half.h>
#include <metalaudio/nn/cpu/gemm/gemm_amx.h>
#include <metalaudio/nn/cpu/gemm/gemm_bf16.h>
#include <metalaudio/nn/cpu/gemm/gemm_fp32.h>

#include <cmath>
#include <random>
#include <vector>

namespace metalaudio::nn::cpu {
namespace {

std::vector<float> noise(std::size_t size, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(size);
  for (float& value : values) value = normal(generator);
  return values;
}

/// The largest error of one block with two taps, the second of which misses its first and last row,
/// relative to what rounding the sums to float32 explains.
double error_of(const GemmKernel& kernel, std::size_t rows, std::size_t columns, std::size_t depth,
                bool rounds) {
  const std::vector<float> x = noise((rows + 1) * depth, 1);
  const std::vector<float> w = noise(columns * 2 * depth, 2);
  const std::vector<float> bias = noise(columns, 3);
  const PackedMatrix matrix(kernel, w, bias, {columns, 2 * depth, false});
  GemmScratch scratch;
  scratch.reserve(kernel.needs(matrix.size(), 2, rows, depth));
  const auto stride = static_cast<std::ptrdiff_t>(depth);
  const auto last = static_cast<std::ptrdiff_t>(rows);
  const std::vector<GemmTap> taps{{x.data(), stride, 0, last, 0},
                                  {x.data() + depth, stride, 1, last - 1, depth}};
  std::vector<float> y(rows * columns);
  matrix.multiply(taps, depth, rows, scratch, {y.data(), static_cast<std::ptrdiff_t>(columns)});
  const auto factor = [&](float v) {
    return static_cast<double>(rounds ? static_cast<float>(BFloat16(v)) : v);
  };
  double worst = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t n = 0; n < columns; ++n) {
      double sum = bias[n];
      double size = std::abs(sum);
      for (std::size_t k = 0; k < 2 * depth; ++k) {
        if (k >= depth && (r < 1 || r + 1 >= rows)) continue;
        const double term = factor(x[r * depth + k]) * factor(w[n * 2 * depth + k]);
        sum += term;
        size += std::abs(term);
      }
      worst = std::max(worst, std::abs(y[r * columns + n] - sum) / size);
    }
  }
  return worst;
}

void check(const GemmKernel& kernel, bool rounds) {
  for (const std::size_t rows : {1U, 5U, 32U, 33U, 96U}) {
    for (const std::size_t columns : {1U, 15U, 16U, 17U, 32U, 50U}) {
      for (const std::size_t depth : {1U, 7U, 16U, 31U, 64U, 65U}) {
        // Float32 sums of up to 130 terms.
        EXPECT_LT(error_of(kernel, rows, columns, depth, rounds), 1e-6)
            << kernel.name() << ": " << rows << " x " << depth << " x " << columns;
      }
    }
  }
}

TEST(Gemm, Float32EqualsTheSumOfItsTaps) { check(GemmFp32(), false); }
TEST(Gemm, Bf16InFloat32EqualsTheSumOfRoundedFactors) { check(GemmBf16(), true); }

TEST(Gemm, AmxEqualsTheSumOfRoundedFactorsWhereTheProcessorHasIt) {
  if (GemmAmx::available()) check(GemmAmx(), true);
}

}  // namespace
}  // namespace metalaudio::nn::cpu
