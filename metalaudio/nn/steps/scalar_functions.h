#pragma once

#include <metalaudio/nn/operations/element_functions.h>
#include <metalaudio/nn/steps/number.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace metalaudio::nn {

/// The element-wise functions one value at a time, as they are defined: of floating values in
/// `double`, so that what has no vector form is exact; of integers in their own type. What is
/// constexpr serves kernels of the GPU too.
inline double apply(UnaryFunction function, double x, double alpha, double beta) noexcept {
  using F = UnaryFunction;
  const auto sigmoid = [](double v) { return 1.0 / (1.0 + std::exp(-v)); };
  const auto softplus = [](double v) {
    return std::max(v, 0.0) + std::log1p(std::exp(-std::abs(v)));
  };
  switch (function) {
    case F::identity:
      return x;
    case F::absolute:
      return std::abs(x);
    case F::negate:
      return -x;
    case F::sign:
      return x > 0 ? 1.0 : x < 0 ? -1.0 : x;
    case F::exp:
      return std::exp(x);
    case F::log:
      return std::log(x);
    case F::sqrt:
      return std::sqrt(x);
    case F::reciprocal:
      return 1.0 / x;
    case F::sin:
      return std::sin(x);
    case F::cos:
      return std::cos(x);
    case F::tan:
      return std::tan(x);
    case F::asin:
      return std::asin(x);
    case F::acos:
      return std::acos(x);
    case F::atan:
      return std::atan(x);
    case F::sinh:
      return std::sinh(x);
    case F::cosh:
      return std::cosh(x);
    case F::tanh:
      return std::tanh(x);
    case F::asinh:
      return std::asinh(x);
    case F::acosh:
      return std::acosh(x);
    case F::atanh:
      return std::atanh(x);
    case F::erf:
      return std::erf(x);
    case F::floor:
      return std::floor(x);
    case F::ceil:
      return std::ceil(x);
    case F::round:
      return std::nearbyint(x);
    case F::relu:
      return x < 0 ? 0.0 : x;
    case F::sigmoid:
      return sigmoid(x);
    case F::gelu:
      return x * 0.5 * std::erfc(-x * 0.70710678118654752440);
    case F::gelu_tanh:
      return 0.5 * x * (1.0 + std::tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
    case F::silu:
      return x * sigmoid(x);
    case F::softplus:
      return softplus(x);
    case F::softsign:
      return x / (1.0 + std::abs(x));
    case F::mish:
      return x * std::tanh(softplus(x));
    case F::hard_swish:
      return x * std::clamp(x / 6.0 + 0.5, 0.0, 1.0);
    case F::hard_sigmoid:
      return std::clamp(alpha * x + beta, 0.0, 1.0);
    case F::leaky_relu:
      return x < 0 ? alpha * x : x;
    case F::elu:
      return x < 0 ? alpha * std::expm1(x) : x;
    case F::celu:
      return x < 0 ? alpha * std::expm1(x / alpha) : x;
    case F::selu:
      return beta * (x > 0 ? x : alpha * std::expm1(x));
    case F::thresholded_relu:
      return x > alpha ? x : 0.0;
    case F::clip:
      return std::isnan(x) ? x : std::min(std::max(x, alpha), beta);
    case F::shrink:
      return x < -alpha ? x + beta : x > alpha ? x - beta : 0.0;
    case F::is_nan:
      return std::isnan(x) ? 1.0 : 0.0;
    case F::is_inf:
      return std::isinf(x) && ((x < 0 && alpha != 0) || (x > 0 && beta != 0)) ? 1.0 : 0.0;
    case F::logical_not:
    case F::bitwise_not:
      break;
  }
  return x;
}

/// Sums and differences of integers wrap, as numpy's.
template <typename T>
constexpr T apply_integer(UnaryFunction function, T x, double alpha, double beta) noexcept {
  using F = UnaryFunction;
  using U = std::make_unsigned_t<T>;
  const auto negated = static_cast<T>(U{0} - static_cast<U>(x));
  switch (function) {
    case F::absolute:
      return x < T{0} ? negated : x;
    case F::negate:
      return negated;
    case F::sign:
      return static_cast<T>(x > T{0} ? 1 : x < T{0} ? -1 : 0);
    case F::relu:
      return std::max(x, T{0});
    case F::bitwise_not:
      return static_cast<T>(~x);
    case F::leaky_relu:
      return x < T{0} ? static_cast<T>(alpha * static_cast<double>(x)) : x;
    case F::clip:
      if (static_cast<double>(x) < alpha) x = converted<T>(alpha);
      if (static_cast<double>(x) > beta) x = converted<T>(beta);
      return x;
    case F::shrink: {
      const auto v = static_cast<double>(x);
      return static_cast<T>(v < -alpha ? v + beta : v > alpha ? v - beta : 0.0);
    }
    default:
      return x;
  }
}

inline double apply(BinaryFunction function, double a, double b) noexcept {
  using F = BinaryFunction;
  switch (function) {
    case F::add:
      return a + b;
    case F::subtract:
      return a - b;
    case F::multiply:
      return a * b;
    case F::divide:
      return a / b;
    case F::power:
      return std::pow(a, b);
    case F::minimum:
      return std::isnan(a) || a < b ? a : b;
    case F::maximum:
      return std::isnan(a) || a > b ? a : b;
    case F::fmod:
      return std::fmod(a, b);
    case F::modulo: {
      const double r = std::fmod(a, b);
      return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    }
    case F::prelu:
      return a < 0 ? a * b : a;
    default:
      return 0.0;
  }
}

/// Division by zero gives zero, so that no input can stop the program.
template <typename T>
constexpr T apply_integer(BinaryFunction function, T a, T b) noexcept {
  using F = BinaryFunction;
  using U = std::make_unsigned_t<T>;
  // Products of small types would otherwise overflow in int.
  using W = std::conditional_t<(sizeof(T) < sizeof(unsigned)), unsigned, U>;
  constexpr T kLowest = std::numeric_limits<T>::min();
  const bool overflows = std::is_signed_v<T> && a == kLowest && b == static_cast<T>(-1);
  switch (function) {
    case F::add:
      return static_cast<T>(static_cast<W>(a) + static_cast<W>(b));
    case F::subtract:
      return static_cast<T>(static_cast<W>(a) - static_cast<W>(b));
    case F::multiply:
      return static_cast<T>(static_cast<W>(a) * static_cast<W>(b));
    case F::divide:
      return b == T{0} ? T{0} : overflows ? a : static_cast<T>(a / b);
    case F::power: {
      if (b < T{0}) {  // the inverse, cut to an integer
        const bool one = a == T{1} || (a == static_cast<T>(-1) && b % 2 == 0);
        return one ? T{1} : a == static_cast<T>(-1) ? a : T{0};
      }
      W result = 1;
      W base = static_cast<W>(a);
      for (auto n = static_cast<std::uint64_t>(b); n > 0; n >>= 1U, base *= base) {
        if ((n & 1U) != 0) result *= base;
      }
      return static_cast<T>(result);
    }
    case F::minimum:
      return std::min(a, b);
    case F::maximum:
      return std::max(a, b);
    case F::fmod:
      return b == T{0} || overflows ? T{0} : static_cast<T>(a % b);
    case F::modulo: {
      if (b == T{0} || overflows) return T{0};
      const auto r = static_cast<T>(a % b);
      return r != T{0} && (r < T{0}) != (b < T{0}) ? static_cast<T>(r + b) : r;
    }
    case F::prelu:
      return a < T{0} ? static_cast<T>(static_cast<W>(a) * static_cast<W>(b)) : a;
    case F::bitwise_and:
      return static_cast<T>(a & b);
    case F::bitwise_or:
      return static_cast<T>(a | b);
    case F::bitwise_xor:
      return static_cast<T>(a ^ b);
    case F::shift_left:
      return static_cast<std::uint64_t>(b) < 8 * sizeof(T)
                 ? static_cast<T>(static_cast<std::uint64_t>(a) << static_cast<std::uint64_t>(b))
                 : T{0};
    case F::shift_right:
      if (static_cast<std::uint64_t>(b) < 8 * sizeof(T)) return static_cast<T>(a >> b);
      return a < T{0} ? static_cast<T>(-1) : T{0};  // what is left of the sign
    default:
      return a;
  }
}

template <typename T>
constexpr bool compare(BinaryFunction function, T a, T b) noexcept {
  switch (function) {
    case BinaryFunction::equal:
      return a == b;
    case BinaryFunction::less:
      return a < b;
    case BinaryFunction::less_or_equal:
      return a <= b;
    case BinaryFunction::greater:
      return a > b;
    default:
      return a >= b;
  }
}

}  // namespace metalaudio::nn
