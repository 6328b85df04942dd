#include <gtest/gtest.h>
#include <metalaudio/nn/cpu/row_kernels.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/nn/samples.h"
#include "tests/support/simd_targets.h"

namespace metalaudio::nn::cpu {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kColumns[] = {1, 3, 16, 77, 2688};

std::ptrdiff_t stride(std::size_t columns) { return static_cast<std::ptrdiff_t>(columns); }

std::vector<float> softmax_of(std::vector<float> x, float scale) {
  softmax(x.data(), stride(x.size()), 1, x.size(), scale);
  return x;
}

std::vector<double> exact_softmax(const std::vector<float>& x, float scale) {
  const double top = *std::max_element(x.begin(), x.end());
  std::vector<double> y;
  double sum = 0;
  for (const float value : x) sum += y.emplace_back(std::exp(scale * (value - top)));
  for (double& value : y) value /= sum;
  return y;
}

TEST(Softmax, IsExactHoweverFarTheScoresSpread) {
  for_each_target([](const char* target) {
    // 1e30: the rounding of a scaled score alone would be beyond the range of exp.
    for (const float spread : {0.0F, 1e-30F, 1.0F, 100.0F, 1e4F, 1e10F, 1e30F, 6e37F})
      for (const std::size_t columns : kColumns)
        for (const float scale : {0.125F, 0.17677669F, 1.0F}) {
          const std::vector<float> x = noise(columns, spread);
          const std::vector<float> y = softmax_of(x, scale);
          const std::vector<double> exact = exact_softmax(x, scale);
          double worst = 0;
          for (std::size_t i = 0; i < columns; ++i)
            worst = std::max(worst, std::isnan(y[i]) ? kInfinity : std::abs(y[i] - exact[i]));
          // The rounding of a difference of up to 17 that is scaled, and then of the sum.
          EXPECT_LE(worst, 2e-6) << target << ", spread " << spread << ", " << columns;
        }
  });
}

TEST(Softmax, TakesMinusInfinityAsNoWeight) {
  for_each_target([](const char* target) {
    for (const std::size_t columns : {2, 5, 16, 77}) {
      std::vector<float> x(columns, -kInfinity);
      x[columns / 2] = -3.0F;
      const std::vector<float> y = softmax_of(x, 0.5F);
      for (std::size_t i = 0; i < columns; ++i)
        EXPECT_EQ(y[i], i == columns / 2 ? 1.0F : 0.0F) << target;
    }
  });
}

TEST(Softmax, IsNanWhereTheGreatestScoreIsInfiniteOrOneIsNan) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for_each_target([&](const char* target) {
    for (const std::size_t columns : kColumns) {
      std::vector<std::vector<float>> rows = {std::vector<float>(columns, -kInfinity)};
      for (const float odd : {kInfinity, nan})
        for (const std::size_t place : {std::size_t{0}, columns / 2, columns - 1}) {
          rows.emplace_back(columns, 0.25F);
          rows.back()[place] = odd;
        }
      for (const auto& row : rows)
        for (const float value : softmax_of(row, 0.5F))
          EXPECT_TRUE(std::isnan(value)) << target << ", " << columns << " columns";
    }
  });
}

void expect_moments(const std::vector<float>& x, const std::string& label) {
  const Moments exact = exact_moments(x);
  const Moments found = moments({x.data(), stride(x.size())}, 1, x.size());
  const double size = static_cast<double>(x.size());
  const double deviation = std::sqrt(exact.squares / size);
  // Sums of 1024 values in float lanes: 64 roundings of the partial sums, mostly cancelling; of the
  // deviations, so that the mean itself does not count beyond its own half ulp.
  EXPECT_NEAR(found.mean, exact.mean, 1e-6 * deviation + 1e-12 * std::abs(exact.mean)) << label;
  const double rounding = 1e-7 * std::abs(exact.mean);
  EXPECT_NEAR(found.squares, exact.squares,
              4e-6 * exact.squares + 1e-6 * size * rounding * rounding)
      << label;
}

TEST(MomentsOfRows, AreSoundFarFromZeroAndForHugeAndTinyValues) {
  for_each_target([](const char* target) {
    for (const std::size_t size : {1, 7, 64, 1000, 5000})
      for (const float scale : {1e-15F, 1e-3F, 1.0F, 1e10F, 1e18F, 1e25F, 6e37F})
        for (const float ratio : {0.0F, 1.0F, 1e3F, 1e5F}) {
          const float offset = std::min(scale * ratio, 1e38F);
          expect_moments(noise(size, scale, offset), std::string(target) + ", " +
                                                         std::to_string(size) + " values, scale " +
                                                         std::to_string(std::log10(scale)) +
                                                         ", ratio " + std::to_string(ratio));
        }
  });
}

TEST(MomentsOfRows, OfAConstantAreItselfAndZero) {
  for_each_target([](const char* target) {
    for (const std::size_t size : {1, 7, 64, 1000, 5000})
      for (const float value : {0.0F, -0.1F, 1.3F, 1e4F + 0.3F, 1.7e20F, -3.4e38F})
        expect_moments(std::vector<float>(size, value),
                       std::string(target) + ", " + std::to_string(value));
  });
}

TEST(LayerNorm, IsExactForConstantNearlyConstantAndHugeRows) {
  constexpr float kEpsilon = 1e-5F;
  for_each_target([&](const char* target) {
    for (const std::size_t columns : {1, 7, 64, 512})
      for (const float offset : {0.0F, 0.1F, 100.0F, 1e4F})
        for (const float scale : {0.0F, 1e-3F, 1.0F, 1e12F, 1e20F, 3e37F}) {
          const std::vector<float> x = noise(columns, scale, offset);
          const std::vector<float> gamma(columns, 1.0F);
          const std::vector<float> beta(columns, 0.25F);
          std::vector<float> y(columns);
          layer_norm({x.data(), stride(columns)}, 1, columns, gamma.data(), beta.data(), kEpsilon,
                     y.data(), stride(columns));
          const Moments exact = exact_moments(x);
          const double inverse = exact.inverse_deviation(kEpsilon);
          // The mean is rounded to float, half an ulp of it; the rest is a few roundings of y.
          const double bound = 6e-8 * std::abs(exact.mean) * inverse + 4e-6;
          for (std::size_t i = 0; i < columns; ++i)
            ASSERT_NEAR(y[i], (x[i] - exact.mean) * inverse + 0.25, bound)
                << target << ", offset " << offset << ", scale " << scale;
        }
  });
}

}  // namespace
}  // namespace metalaudio::nn::cpu
