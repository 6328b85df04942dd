#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/nn/math_test.cpp"
#include <hwy/foreach_target.h>
// clang-format off: the macro above must come first
#include <hwy/highway.h>
#include <metalaudio/nn/cpu/math-inl.h>
// clang-format on

#ifndef METALAUDIO_TESTS_NN_MATH_TEST_ONCE
#define METALAUDIO_TESTS_NN_MATH_TEST_ONCE
namespace metalaudio::nn::cpu {
enum class Function {
  exp,
  exp2_of_negative,
  sigmoid,
  tanh,
  fast_tanh,
  erf,
  gelu,
  gelu_tanh,
  silu,
  relu
};
}
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {

HWY_INLINE FloatVec evaluate(FloatTag d, FloatVec x, Function function) {
  switch (function) {
    case Function::exp:
      return exp(d, x);
    case Function::exp2_of_negative:
      return exp2_of_negative(d, x);
    case Function::sigmoid:
      return sigmoid(d, x);
    case Function::tanh:
      return tanh(d, x);
    case Function::fast_tanh:
      return fast_tanh(d, x);
    case Function::erf:
      return erf(d, x);
    case Function::gelu:
      return gelu(d, x);
    case Function::gelu_tanh:
      return gelu_tanh(d, x);
    case Function::silu:
      return silu(d, x);
    case Function::relu:
      break;
  }
  return activate(d, x, Activation::relu);
}

/// `size` is a multiple of the lanes of every instruction set.
void evaluate_all(const float* x, std::size_t size, Function function, float* y) {
  const FloatTag d;
  for (std::size_t i = 0; i < size; i += hn::Lanes(d))
    hn::StoreU(evaluate(d, hn::LoadU(d, x + i), function), d, y + i);
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::nn::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <ostream>
#include <string>
#include <vector>

#include "tests/support/simd_targets.h"

namespace metalaudio::nn::cpu {
HWY_EXPORT(evaluate_all);

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

enum class Unit { ulp_of_result, largest_of_input_and_one };

/// exact(x) in double; what the function gives at -inf and inf; and its error.
struct Case {
  const char* name;
  Function function;
  double (*exact)(double);
  double at_minus_infinity;
  double at_infinity;
  double bound;
  Unit unit = Unit::ulp_of_result;
  double floor = 0;  ///< an absolute error that counts as none
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

double exact_sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
double exact_gelu(double x) { return 0.5 * x * std::erfc(-x / std::numbers::sqrt2); }
double exact_gelu_tanh(double x) {
  return x * exact_sigmoid(std::sqrt(8.0 / std::numbers::pi) * (x + 0.044715 * x * x * x));
}

// The bounds are those that math-inl.h states. One rounding costs half an ulp: exp rounds its last
// sums, the others add an addition and a division to it. silu multiplies a sigmoid that may be
// denormal by up to 104, and with it half a denormal step.
const Case kCases[] = {
    {"exp", Function::exp, [](double x) { return std::exp(x); }, 0, kInfinity, 1.0},
    {"sigmoid", Function::sigmoid, exact_sigmoid, 0, 1, 2.2},
    {"tanh", Function::tanh, [](double x) { return std::tanh(x); }, -1, 1, 2.0},
    {"erf", Function::erf, [](double x) { return std::erf(x); }, -1, 1, 2.0},
    {"gelu", Function::gelu, exact_gelu, 0, kInfinity, 1e-7, Unit::largest_of_input_and_one},
    {"gelu_tanh", Function::gelu_tanh, exact_gelu_tanh, 0, kInfinity, 2e-7,
     Unit::largest_of_input_and_one},
    {"silu", Function::silu, [](double x) { return x * exact_sigmoid(x); }, 0, kInfinity, 3.0,
     Unit::ulp_of_result, 1e-43},
    {"relu", Function::relu, [](double x) { return std::max(x, 0.0); }, 0, kInfinity, 0.0},
};

/// The distance of neighbouring floats about a value that a float may round to.
double ulp(double value) {
  constexpr int kDigits = std::numeric_limits<float>::digits;
  const int exponent = value == 0 ? -149 : std::ilogb(value) - (kDigits - 1);
  return std::ldexp(1.0, std::max(exponent, -149));
}

/// In units of the bound's; infinite where one of both is NaN or only one is infinite.
double error_of(const Case& one, float x, float y) {
  const double exact = one.exact(x);
  // What rounds to an infinity is one.
  if (std::isinf(static_cast<float>(exact)) || std::isinf(y))
    return static_cast<float>(exact) == y ? 0.0 : kInfinity;
  if (std::isnan(y)) return kInfinity;
  const double unit = one.unit == Unit::ulp_of_result
                          ? ulp(exact)
                          : std::max(std::abs(static_cast<double>(x)), 1.0);
  return std::max(std::abs(y - exact) - one.floor, 0.0) / unit;
}

class VectorMath : public testing::TestWithParam<Case> {
 protected:
  static std::vector<float> run(const std::vector<float>& x) {
    std::vector<float> y(x.size());
    HWY_DYNAMIC_DISPATCH(evaluate_all)(x.data(), x.size(), GetParam().function, y.data());
    return y;
  }
};

constexpr std::size_t kBlock = 1 << 14;

/// Every 509th bit pattern (a prime, so that no bit stands still), and dense stretches of 2^14
/// neighbours at zero, at the ends of the denormals, at the ends of the floats, and where a
/// function changes its form or leaves the range of float.
std::vector<std::uint32_t> magnitudes() {
  constexpr std::uint32_t kInfinityBits = 0x7F800000;
  std::vector<std::uint32_t> bits;
  for (std::uint32_t b = 0; b < kInfinityBits; b += 509) bits.push_back(b);
  for (const float centre : {0.0F, 1.17549435e-38F, 0.3465736F, 0.625F, 1.0F, 8.6643F, 13.0F, 15.0F,
                             17.3F, 87.3365F, 88.7228F, 103.972F, 104.0F, 128.0F, 3.4028235e38F}) {
    const auto middle = std::bit_cast<std::uint32_t>(centre);
    const std::uint32_t first = middle - std::min<std::uint32_t>(middle, kBlock / 2);
    for (std::uint32_t b = first; b < std::min<std::uint32_t>(first + kBlock, kInfinityBits); ++b)
      bits.push_back(b);
  }
  bits.resize((bits.size() + kBlock - 1) / kBlock * kBlock, 0);
  return bits;
}

TEST_P(VectorMath, IsAsExactAsStatedOverAllFiniteFloatsOnEveryInstructionSet) {
  const Case& one = GetParam();
  const std::vector<std::uint32_t> bits = magnitudes();
  for_each_target([&](const char* target) {
    double worst = 0;
    float worst_at = 0;
    std::vector<float> x(kBlock);
    for (const std::uint32_t sign : {0U, 0x80000000U}) {
      for (std::size_t first = 0; first < bits.size(); first += kBlock) {
        for (std::size_t i = 0; i < kBlock; ++i)
          x[i] = std::bit_cast<float>(bits[first + i] | sign);
        const std::vector<float> y = run(x);
        for (std::size_t i = 0; i < kBlock; ++i) {
          const double error = error_of(one, x[i], y[i]);
          if (error > worst) {
            worst = error;
            worst_at = x[i];
          }
        }
      }
    }
    RecordProperty(target, testing::PrintToString(worst));
    EXPECT_LE(worst, one.bound) << target << " at " << worst_at;
  });
}

TEST_P(VectorMath, GivesTheLimitsAtInfinitiesAndKeepsNanOnEveryInstructionSet) {
  const Case& one = GetParam();
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> x;
  while (x.size() < 64) x.insert(x.end(), {-infinity, infinity, nan, -nan});
  for_each_target([&](const char* target) {
    const std::vector<float> y = run(x);
    for (std::size_t i = 0; i < y.size(); i += 4) {
      EXPECT_EQ(y[i], one.at_minus_infinity) << target;
      EXPECT_EQ(y[i + 1], one.at_infinity) << target;
      EXPECT_TRUE(std::isnan(y[i + 2]) && std::isnan(y[i + 3])) << target;
    }
  });
}

// Its error is absolute, and it does not reach its limits.
TEST(FastTanh, StaysWithinItsErrorAndKeepsNanOnEveryInstructionSet) {
  const std::vector<std::uint32_t> bits = magnitudes();
  std::vector<float> x(bits.size());
  std::vector<float> y(bits.size());
  for_each_target([&](const char* target) {
    for (const std::uint32_t sign : {0U, 0x80000000U}) {
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::bit_cast<float>(bits[i] | sign);
      x[0] = std::copysign(std::numeric_limits<float>::infinity(), sign == 0 ? 1.0F : -1.0F);
      HWY_DYNAMIC_DISPATCH(evaluate_all)(x.data(), x.size(), Function::fast_tanh, y.data());
      double worst = 0;
      for (std::size_t i = 0; i < x.size(); ++i)
        worst = std::max(worst, std::abs(y[i] - std::tanh(static_cast<double>(x[i]))));
      EXPECT_LT(worst, 2e-5) << target;
      std::fill(x.begin(), x.begin() + 64, std::numeric_limits<float>::quiet_NaN());
      HWY_DYNAMIC_DISPATCH(evaluate_all)(x.data(), 64, Function::fast_tanh, y.data());
      EXPECT_TRUE(std::isnan(y[0]) && std::isnan(y[63])) << target;
    }
  });
}

TEST(Exp2OfNegative, IsExactDownToItsLeastAndKeepsNanOnEveryInstructionSet) {
  std::vector<std::uint32_t> bits = magnitudes();
  std::erase_if(bits, [](std::uint32_t b) { return std::bit_cast<float>(b) > 1000; });
  bits.resize(bits.size() / 64 * 64);
  std::vector<float> x(bits.size());
  std::vector<float> y(bits.size());
  for_each_target([&](const char* target) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = -std::bit_cast<float>(bits[i]);
    x[0] = -std::numeric_limits<float>::infinity();
    HWY_DYNAMIC_DISPATCH(evaluate_all)(x.data(), x.size(), Function::exp2_of_negative, y.data());
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double exact = std::exp2(std::max(static_cast<double>(x[i]), -126.0));
      worst = std::max(worst, std::abs(y[i] - exact) / ulp(exact));
    }
    EXPECT_LE(worst, 1.2) << target;  // as math-inl.h states
    std::fill(x.begin(), x.begin() + 64, std::numeric_limits<float>::quiet_NaN());
    std::fill(x.begin() + 32, x.begin() + 64, -std::bit_cast<float>(0x7FFFFFFFU));
    HWY_DYNAMIC_DISPATCH(evaluate_all)(x.data(), 64, Function::exp2_of_negative, y.data());
    EXPECT_TRUE(std::all_of(y.begin(), y.begin() + 64, [](float v) { return std::isnan(v); }));
  });
}

INSTANTIATE_TEST_SUITE_P(Cpu, VectorMath, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace metalaudio::nn::cpu

#endif
