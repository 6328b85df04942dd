#include <gtest/gtest.h>
#include <metalaudio/nn/cpu/dconv_kernels.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tests/nn/samples.h"
#include "tests/support/simd_targets.h"

namespace metalaudio::nn::cpu {
namespace {

constexpr std::size_t kStride = 96;
constexpr std::size_t kPositions[] = {1, 15, 48, 83, 96};

std::string named(const char* target, std::size_t channels, std::size_t positions) {
  return std::string(target) + ", " + std::to_string(channels) + " x " + std::to_string(positions);
}

TEST(HiddenConv, IsExactForAnyChannelsPositionsAndDilation) {
  for_each_target([](const char* target) {
    for (const std::size_t channels : {1U, 10U, 48U, 96U})
      for (const std::size_t hidden : {1U, 6U, 13U})
        for (const std::size_t positions : kPositions)
          for (const std::size_t dilation : {1U, 2U, 5U}) {
            const std::size_t stride = whole_conv_positions(positions) + 2 * dilation;
            const std::vector<float> x = noise(channels * stride, 1);
            const std::vector<float> weights = noise(hidden * 3 * channels, 0.3F);
            const std::vector<float> bias = noise(hidden, 1);
            std::vector<float> packed(hidden_conv_floats(hidden, channels));
            pack_hidden_conv(weights.data(), bias.data(), hidden, channels, packed.data());
            std::vector<float> found(hidden * kStride);
            convolve_hidden({x.data(), stride, channels, dilation, packed.data(), hidden},
                            positions, found.data(), kStride);
            for (std::size_t o = 0; o < hidden; ++o)
              for (std::size_t p = 0; p < positions; ++p) {
                double sum = bias[o];
                double sizes = std::abs(sum);
                for (std::size_t c = 0; c < channels; ++c)
                  for (std::size_t tap = 0; tap < 3; ++tap) {
                    const double product = static_cast<double>(x[c * stride + p + tap * dilation]) *
                                           weights[(o * 3 + tap) * channels + c];
                    sum += product;
                    sizes += std::abs(product);
                  }
                // Chains of 30 products, each rounded to half an ulp of what has come together.
                ASSERT_NEAR(found[o * kStride + p], sum, 4e-7 * sizes)
                    << named(target, channels, positions) << ", hidden " << hidden << ", dilation "
                    << dilation;
              }
          }
  });
}

TEST(HiddenMoments, AreThoseOfTheirPositionsAlone) {
  for_each_target([](const char* target) {
    for (const float scale : {1.0F, 1e25F})  // whose squares leave the range of float
      for (const std::size_t channels : {1U, 6U, 48U})
        for (const std::size_t positions : {1U, 15U, 48U, 83U, 96U}) {
          std::vector<float> x = noise(channels * kStride, scale, 3 * scale);
          std::vector<float> inside;
          for (std::size_t i = 0; i < x.size(); ++i) {
            if (i % kStride < positions) {
              inside.push_back(x[i]);
            } else {
              x[i] = std::numeric_limits<float>::quiet_NaN();
            }
          }
          const Moments exact = exact_moments(inside);
          const Moments found = hidden_moments(x.data(), kStride, channels, positions);
          const std::string label = std::string(target) + ", " + std::to_string(channels) + " x " +
                                    std::to_string(positions);
          EXPECT_EQ(found.count, exact.count) << label;
          // Sums of 24 floats a lane, of values up to three deviations from zero.
          EXPECT_NEAR(found.mean, exact.mean, 1e-6 * scale) << label;
          EXPECT_NEAR(found.squares, exact.squares, 1e-6 * exact.squares) << label;
        }
  });
}

TEST(HiddenActivation, IsGeluAsExactAsThatOfOtherKernels) {
  for_each_target([](const char* target) {
    const float scale = 2;
    const float shift = -0.5F;
    const auto activated = [&](std::vector<float> x) {
      const std::size_t positions = x.size();
      x.resize(kStride);
      activate_hidden(x.data(), kStride, 1, positions, &scale, &shift);
      x.resize(positions);
      return x;
    };
    for (int first = -4000; first < 4000; first += 83) {
      std::vector<float> x(83);
      for (std::size_t i = 0; i < x.size(); ++i)
        x[i] = 0.005F * static_cast<float>(first + static_cast<int>(i));
      const std::vector<float> y = activated(x);
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double z = static_cast<double>(2 * x[i] - 0.5F);
        const double exact = z * std::erfc(-z / std::sqrt(2.0)) / 2;
        ASSERT_NEAR(y[i], exact, 1.5e-7 * std::max(1.0, std::abs(z))) << target << " of " << z;
      }
    }
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const std::vector<float> y =
        activated({std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity});
    EXPECT_TRUE(std::isnan(y[0])) << target;
    EXPECT_EQ(y[1], kInfinity) << target;
    EXPECT_NEAR(y[2], 0.0F, 1e-38) << target;  // denormals of it are left without AVX-512
  });
}

TEST(HiddenProducts, AreThoseOfTheirPositionsAlone) {
  for_each_target([](const char* target) {
    for (const std::size_t channels : {1U, 6U, 9U, 48U})
      for (const std::size_t positions : kPositions) {
        std::vector<float> x = noise(channels * kStride, 1, 0.5F);
        const std::vector<float> pivot = noise(channels, 0.5F);
        std::vector<float> room(centred_floats(channels, positions) + 16);
        float* const centred =
            room.data() + (16 - reinterpret_cast<std::uintptr_t>(room.data()) / 4 % 16);
        std::vector<double> sums(channels, 1.0);
        std::vector<double> products(channels * channels, 2.0);
        add_products(x.data(), kStride, channels, positions, pivot.data(), centred, sums.data(),
                     products.data());
        for (std::size_t i = 0; i < channels; ++i) {
          double sum = 1;
          for (std::size_t p = 0; p < positions; ++p) sum += x[i * kStride + p] - pivot[i];
          // 96 values of a few units, six of them in a lane, in float.
          EXPECT_NEAR(sums[i], sum, 5e-5) << named(target, channels, positions);
          for (std::size_t j = i; j < channels; ++j) {
            double product = 2;
            for (std::size_t p = 0; p < positions; ++p)
              product += static_cast<double>(x[i * kStride + p] - pivot[i]) *
                         (x[j * kStride + p] - pivot[j]);
            EXPECT_NEAR(products[i * channels + j], product, 2e-4)
                << named(target, channels, positions);
          }
        }
      }
  });
}

TEST(HiddenGate, IsExactForAnyGateAndAnyColumns) {
  for_each_target([](const char* target) {
    for (const std::size_t channels : {1U, 16U, 24U, 96U})
      for (const std::size_t hidden : {0U, 1U, 6U, 32U, 33U, 70U})
        for (const std::size_t positions : kPositions) {
          const std::size_t columns = gate_columns(channels);
          const std::vector<float> h = noise(hidden * kStride, 1);
          const std::vector<float> weights = noise(2 * channels * hidden, 1);
          const std::vector<float> factors = noise(2 * channels, 1, 1);
          // Gates far beyond where a sigmoid is 0 or 1.
          const std::vector<float> offsets = noise(2 * channels, 60);
          const std::vector<float> x = noise(positions * channels, 1);
          std::vector<float> packed(columns * hidden + 1);
          pack_gate(weights.data(), hidden, channels, packed.data());
          std::vector<float> scale(columns);
          std::vector<float> shift(columns);
          for (std::size_t n = 0; n < 2 * channels; ++n) {
            scale[gate_place(n, channels)] = factors[n];
            shift[gate_place(n, channels)] = offsets[n];
          }
          std::vector<float> y(positions * channels + 1, 7.0F);
          gate_hidden({h.data(), kStride, hidden, packed.data(), scale.data(), shift.data(),
                       x.data(), y.data(), channels},
                      positions);
          EXPECT_EQ(y.back(), 7.0F) << "written past the end";
          // Of products that are there the same comes, but for a sum's order of roundings.
          std::vector<float> products(positions * 2 * channels);
          for (std::size_t p = 0; p < positions; ++p)
            for (std::size_t n = 0; n < 2 * channels; ++n)
              for (std::size_t k = 0; k < hidden; ++k)
                products[p * 2 * channels + n] += weights[n * hidden + k] * h[k * kStride + p];
          std::vector<float> wide(positions * channels + 1, 7.0F);
          gate_products(
              {products.data(), factors.data(), offsets.data(), x.data(), wide.data(), channels},
              positions);
          EXPECT_EQ(wide.back(), 7.0F) << "written past the end";
          for (std::size_t p = 0; p < positions; ++p)
            for (std::size_t c = 0; c < channels; ++c) {
              double half[2];
              double error[2];
              for (std::size_t i = 0; i < 2; ++i) {
                const std::size_t n = i * channels + c;
                double sum = 0;
                double sizes = 0;
                for (std::size_t k = 0; k < hidden; ++k) {
                  const double product =
                      static_cast<double>(weights[n * hidden + k]) * h[k * kStride + p];
                  sum += product;
                  sizes += std::abs(product);
                }
                half[i] = sum * factors[n] + offsets[n];
                error[i] = 2e-7 * (sizes * std::abs(factors[n]) + std::abs(offsets[n]));
              }
              const double open = 1 / (1 + std::exp2(half[1]));
              const double expected = x[p * channels + c] + half[0] * open;
              // The gate moves by a quarter of its argument's error at most, where it is open by as
              // much; two ulp of its own; the sum's rounding.
              const double bound = error[0] * open + std::abs(half[0]) * open * (error[1] + 3e-7) +
                                   1.2e-7 + 6e-8 * std::abs(expected);
              ASSERT_NEAR(wide[p * channels + c], expected, 2 * bound)
                  << named(target, channels, positions) << ", hidden " << hidden;
              ASSERT_NEAR(y[p * channels + c], expected, bound)
                  << named(target, channels, positions) << ", hidden " << hidden << ", gate "
                  << half[1];
            }
        }
  });
}

TEST(HiddenGate, KeepsNanAndTakesInfinitiesToTheirLimits) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for_each_target([&](const char* target) {
    const std::vector<float> scale(gate_columns(1));
    std::vector<float> shift(gate_columns(1));
    const float x = 0.5F;
    const auto gated = [&](float low, float gate) {
      shift[gate_place(0, 1)] = low;
      shift[gate_place(1, 1)] = gate;
      float y = 0;
      gate_hidden({nullptr, kStride, 0, shift.data(), scale.data(), shift.data(), &x, &y, 1}, 1);
      return y;
    };
    EXPECT_TRUE(std::isnan(gated(1, kNan))) << target;
    EXPECT_TRUE(std::isnan(gated(kNan, 0))) << target;
    EXPECT_EQ(gated(1, -kInfinity), 1.5F) << target;
    EXPECT_EQ(gated(1, kInfinity), 0.5F) << target;
    EXPECT_EQ(gated(2, 0), 1.5F) << target;
  });
}

}  // namespace
}  // namespace metalaudio::nn::cpu
