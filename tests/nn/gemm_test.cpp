#include <gtest/gtest.h>
#include <metalaudio/core/half.h>
#include <metalaudio/core/instruction_sets.h>
#include <metalaudio/nn/cpu/gemm/gemm_fp32.h>
#include <metalaudio/nn/cpu/gemm/gemm_half.h>
#include <metalaudio/nn/cpu/gemm/gemm_pairs.h>
#include <metalaudio/nn/cpu/gemm/pair_rate.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace metalaudio::nn::cpu {
namespace {

using Unit = GemmPairs::Unit;

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

void check(const GemmKernel& kernel, bool rounds, double bound = 1e-6) {
  for (const std::size_t rows : {1U, 5U, 32U, 33U, 96U}) {
    for (const std::size_t columns : {1U, 15U, 16U, 17U, 32U, 50U}) {
      for (const std::size_t depth : {1U, 7U, 16U, 31U, 64U, 65U}) {
        // Float32 sums of up to 130 terms, unless told otherwise.
        EXPECT_LT(error_of(kernel, rows, columns, depth, rounds), bound)
            << kernel.name() << ": " << rows << " x " << depth << " x " << columns;
      }
    }
  }
}

TEST(Gemm, Float32EqualsTheSumOfItsTaps) { check(GemmFp32(), false); }

/// The root mean square of what a product of so much depth errs, relative to that of its results.
double mean_error_of(const GemmKernel& kernel, std::size_t depth) {
  constexpr std::size_t kRows = 24;
  constexpr std::size_t kColumns = 48;
  const std::vector<float> x = noise(kRows * depth, 1);
  const std::vector<float> w = noise(kColumns * depth, 2);
  const PackedMatrix matrix(kernel, w, {}, {kColumns, depth, false});
  GemmScratch scratch;
  scratch.reserve(kernel.needs(matrix.size(), 1, kRows, depth));
  const GemmTap tap{x.data(), static_cast<std::ptrdiff_t>(depth), 0, kRows, 0};
  std::vector<float> y(kRows * kColumns);
  matrix.multiply({&tap, 1}, depth, kRows, scratch, {y.data(), kColumns});
  double errors = 0;
  double squares = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < depth; ++k) {
      sum += static_cast<double>(x[i / kColumns * depth + k]) * w[i % kColumns * depth + k];
    }
    errors += (y[i] - sum) * (y[i] - sum);
    squares += sum * sum;
  }
  return std::sqrt(errors / squares);
}

TEST(Gemm, DeepFloat32SumsDoNotGatherRounding) {
  // Added one by one, 4096 terms err by 3.4e-8 times the root of 2048: 1.6e-6. Chains of 32 that
  // are then added err by the root of 16 + 64.
  EXPECT_LT(mean_error_of(GemmFp32(), 4096), 4e-7);
  EXPECT_LT(mean_error_of(GemmFp32(), 256), 2e-7);
}

/// A product with half weights beside the same with their values in float32.
template <typename Half>
void expect_same_bits(DataType type, std::size_t rows, const MatrixSize& size, bool residual) {
  std::vector<float> w = noise(size.columns * size.depth, 2);
  w[0] = 1e-6F;  // below the smallest normal f16
  for (float& value : w) value = static_cast<float>(Half(value));
  const std::vector<float> x = noise(rows * size.depth, 1);
  const std::vector<float> bias = noise(size.columns, 3);
  const std::size_t columns = size.result_columns();
  const std::vector<float> more = noise(rows * columns, 4);
  const auto result = [&](const GemmKernel& kernel) {
    const PackedMatrix matrix(kernel, w, bias, size);
    GemmScratch scratch;
    scratch.reserve(kernel.needs(size, 1, rows, size.depth));
    const GemmTap tap{x.data(), static_cast<std::ptrdiff_t>(size.depth), 0,
                      static_cast<std::ptrdiff_t>(rows), 0};
    std::vector<float> y(rows * columns);
    const auto stride = static_cast<std::ptrdiff_t>(columns);
    matrix.multiply({&tap, 1}, size.depth, rows, scratch,
                    {y.data(), stride, size.glu ? Activation::glu : Activation::gelu,
                     residual ? more.data() : nullptr, stride});
    return y;
  };
  const GemmKernel& half = gemm_half_kernel(type);
  EXPECT_EQ(result(half), result(GemmFp32()))
      << half.name() << ": " << rows << " x " << size.depth << " x " << size.columns;
  if (size.depth * size.columns > 4096) {
    EXPECT_LT(half.packed_bytes(size), GemmFp32().packed_bytes(size) * 6 / 10);
  }
}

TEST(Gemm, HalfWeightsGiveTheBitsOfTheirValuesInFloat32) {
  for (const std::size_t rows : {1U, 2U, 3U, 4U, 5U, 31U}) {
    for (const std::size_t columns : {1U, 15U, 16U, 17U, 50U, 130U}) {
      for (const std::size_t depth : {1U, 9U, 64U}) {
        expect_same_bits<Float16>(DataType::f16, rows, {columns, depth, false}, rows % 2 == 0);
        expect_same_bits<BFloat16>(DataType::bf16, rows, {columns, depth, false}, rows % 2 == 1);
        expect_same_bits<Float16>(DataType::f16, rows, {2 * columns, depth, true}, rows % 2 == 0);
      }
    }
  }
}

/// Rows of windows of three neighbours, by three taps that miss what lies outside, or in one deep
/// tap where nothing does.
void check_windows(const GemmKernel& kernel, std::size_t depth, bool deep, double bound = 2e-5) {
  constexpr std::ptrdiff_t kRows = 45;
  constexpr std::size_t kColumns = 20;
  const std::vector<float> x = noise((kRows + 2) * depth, 1);
  const std::vector<float> w = noise(kColumns * 3 * depth, 2);
  const PackedMatrix matrix(kernel, w, {}, {kColumns, 3 * depth, false});
  GemmScratch scratch;
  scratch.reserve(kernel.needs(matrix.size(), 3, kRows, depth));
  scratch.reserve(kernel.needs(matrix.size(), 1, kRows, 3 * depth));
  const auto stride = static_cast<std::ptrdiff_t>(depth);
  std::vector<GemmTap> taps{{x.data(), stride, 0, kRows, 0}};
  if (!deep) {
    taps.clear();
    for (std::ptrdiff_t k = 0; k < 3; ++k) {
      const std::size_t weight_row = static_cast<std::size_t>(k) * depth;
      taps.push_back({x.data() + k * stride, stride, 1 - k, kRows + 1 - k, weight_row});
    }
  }
  std::vector<float> y(kRows * kColumns);
  matrix.multiply(taps, deep ? 3 * depth : depth, kRows, scratch, {y.data(), kColumns});
  for (std::ptrdiff_t r = 0; r < kRows; ++r) {
    for (std::size_t n = 0; n < kColumns; ++n) {
      double sum = 0;
      double size = 0;
      for (std::ptrdiff_t i = 0; i < 3 * stride; ++i) {
        const std::ptrdiff_t row = r + i / stride;
        if (!deep && (row < 1 || row > kRows)) continue;
        const double term = static_cast<double>(x[static_cast<std::size_t>(r * stride + i)]) *
                            w[n * 3 * depth + static_cast<std::size_t>(i)];
        sum += term;
        size += std::abs(term);
      }
      EXPECT_NEAR(y[static_cast<std::size_t>(r) * kColumns + n], sum, bound * size)
          << kernel.name() << " " << r << " " << n;
    }
  }
}

/// A window that is all there is of a deeper matrix, as at the edge of an image.
void check_missing_tap(const GemmKernel& kernel, double bound = 1e-3) {
  constexpr std::size_t kRows = 40;
  constexpr std::size_t kDepth = 15;
  const std::vector<float> x = noise(kRows * 5 + kDepth, 1);
  const std::vector<float> w = noise(20 * 2 * kDepth, 2);
  const PackedMatrix matrix(kernel, w, {}, {20, 2 * kDepth, false});
  GemmScratch scratch;
  scratch.reserve(kernel.needs(matrix.size(), 2, kRows, kDepth));
  for (const std::size_t weight_row : {std::size_t{0}, kDepth}) {
    const GemmTap tap{x.data(), 5, 0, kRows, weight_row};
    std::vector<float> y(kRows * 20);
    matrix.multiply({&tap, 1}, kDepth, kRows, scratch, {y.data(), 20});
    for (std::size_t i = 0; i < y.size(); ++i) {
      double sum = 0;
      for (std::size_t k = 0; k < kDepth; ++k) {
        sum += static_cast<double>(x[i / 20 * 5 + k]) * w[i % 20 * 2 * kDepth + weight_row + k];
      }
      EXPECT_NEAR(y[i], sum, bound) << kernel.name() << " " << weight_row << " " << i;
    }
  }
}

TEST(Gemm, AmxEqualsTheSumOfRoundedFactorsWhereTheProcessorHasIt) {
  if (GemmPairs::available(Unit::tiles)) check(GemmPairs(Unit::tiles), true);
}

TEST(Gemm, Avx512Bf16EqualsTheSumOfRoundedFactorsWhereTheProcessorHasIt) {
  if (!GemmPairs::available(Unit::vectors)) return;
  const GemmPairs kernel(Unit::vectors);
  check(kernel, true);
  // Both factors lose 2^-9 at most.
  check_missing_tap(kernel, 0.1);
  for (const std::size_t depth : {20U, 32U, 96U}) {
    for (const bool deep : {false, true}) check_windows(kernel, depth, deep, 0x1p-8);
  }
}

TEST(Gemm, WithoutTilesBf16IsInVectorsOnlyWhereTheseAreFaster) {
  const GemmKernel& fp32 = gemm_kernel(Precision::fp32);
  for (const double rate : {0.0, 0.5, 1.0}) EXPECT_EQ(&bf16_kernel_without_tiles(rate), &fp32);
  EXPECT_EQ(bf16_kernel_without_tiles(2).name(), "bf16 with AVX-512");
}

TEST(Gemm, TheRateOfPairsIsMeasuredAlike) {
  const double rate = measure_pair_rate();
  if (!InstructionSets::detect().avx512_bf16) {
    EXPECT_EQ(rate, 0);
    return;
  }
  // An instruction is at most four times as slow as one of float32, or as fast.
  EXPECT_GT(rate, 0.4);
  EXPECT_LT(rate, 2.2);
  for (int i = 0; i < 5; ++i) EXPECT_NEAR(measure_pair_rate(), rate, 0.2 * rate);
}

TEST(Gemm, TwoBf16InAmxKeepSixteenBitsOfBothFactors) {
  // What either factor loses, and the product of the small parts: at most 2.5 parts in 2^17.
  if (GemmPairs::available(Unit::tiles)) check(GemmPairs(Unit::tiles, 2), false, 2e-5);
}

TEST(Gemm, ThreeBf16InAmxAreFloat32) {
  if (!GemmPairs::available(Unit::tiles)) return;
  const GemmPairs kernel(Unit::tiles, 3);
  check(kernel, false);
  // Sums of 16 terms, added one by one: as good as chains of 32 in vectors.
  EXPECT_LT(mean_error_of(kernel, 4096), 4e-7);
  EXPECT_LT(mean_error_of(kernel, 256), 2e-7);
}

TEST(Gemm, ThreeBf16InAmxKeepInfinities) {
  if (!GemmPairs::available(Unit::tiles)) return;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const bool in_matrix : {false, true}) {
    const MatrixSize size{40, 70, false};
    std::vector<float> x = noise(35 * size.depth, 1);
    std::vector<float> w = noise(size.columns * size.depth, 2);
    (in_matrix ? w : x)[100] = kInfinity;
    (in_matrix ? w : x)[1000] = -kInfinity;
    x[2000] = std::numeric_limits<float>::quiet_NaN();
    x[400] = std::numeric_limits<float>::max();
    const auto result = [&](const GemmKernel& kernel) {
      const PackedMatrix matrix(kernel, w, {}, size);
      GemmScratch scratch;
      scratch.reserve(kernel.needs(size, 1, 35, size.depth));
      const GemmTap tap{x.data(), 70, 0, 35, 0};
      std::vector<float> y(35 * size.columns);
      matrix.multiply({&tap, 1}, size.depth, 35, scratch, {y.data(), 40});
      return y;
    };
    const std::vector<float> expected = result(GemmFp32());
    const std::vector<float> y = result(GemmPairs(Unit::tiles, 3));
    for (std::size_t i = 0; i < y.size(); ++i) {
      EXPECT_EQ(std::isnan(y[i]), std::isnan(expected[i])) << i;
      if (std::isinf(expected[i])) {
        EXPECT_EQ(y[i], expected[i]) << i;
      }
    }
  }
}

TEST(Gemm, OneTapOfADeeperMatrixMeetsItsOwnWeights) {
  check_missing_tap(GemmFp32());
  if (!GemmPairs::available(Unit::tiles)) return;
  check_missing_tap(GemmPairs(Unit::tiles, 2));
  check_missing_tap(GemmPairs(Unit::tiles, 3));
}

TEST(Gemm, WindowsThatShareRowsMultiplyTheirOwn) {
  for (const std::size_t depth : {20U, 32U, 96U, 300U}) {
    for (const bool deep : {false, true}) {
      check_windows(GemmFp32(), depth, deep);
      if (GemmPairs::available(Unit::tiles)) {
        check_windows(GemmPairs(Unit::tiles, 2), depth, deep);
        check_windows(GemmPairs(Unit::tiles, 3), depth, deep, 1e-6);
      }
    }
  }
}

}  // namespace
}  // namespace metalaudio::nn::cpu
