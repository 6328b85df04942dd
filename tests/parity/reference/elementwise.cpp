#include <algorithm>
#include <bit>
#include <limits>

#include "tests/parity/reference/operations.h"

namespace metalaudio::nn {

namespace {

Number softplus(Number x) {
  return x > 30 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

Number evaluate(const Unary& o, Number x) {
  using F = UnaryFunction;
  const Number alpha = o.alpha;
  const Number beta = o.beta;
  constexpr Number kPi = 3.14159265358979323846264338327950288L;
  switch (o.function) {
    case F::identity:
      return x;
    case F::absolute:
      return std::fabs(x);
    case F::negate:
      return -x;
    case F::sign:
      return std::isnan(x) ? x : Number((x > 0) - (x < 0));
    case F::exp:
      return std::exp(x);
    case F::log:
      return std::log(x);
    case F::sqrt:
      return std::sqrt(x);
    case F::reciprocal:
      return 1 / x;
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
      return x > 0 || std::isnan(x) ? x : 0;
    case F::sigmoid:
      return logistic(x);
    case F::gelu:
      return x * std::erfc(-x / std::sqrt(Number{2})) / 2;
    case F::gelu_tanh:
      return x / 2 * (1 + std::tanh(std::sqrt(2 / kPi) * (x + 0.044715L * x * x * x)));
    case F::silu:
      return x * logistic(x);
    case F::softplus:
      return softplus(x);
    case F::softsign:
      return x / (1 + std::fabs(x));
    case F::mish:
      return x * std::tanh(softplus(x));
    case F::hard_swish:
      return x * std::min<Number>(std::max<Number>(x + 3, 0), 6) / 6;
    case F::hard_sigmoid:
      return std::min<Number>(std::max<Number>(alpha * x + beta, 0), 1);
    case F::leaky_relu:
      return x >= 0 ? x : alpha * x;
    case F::elu:
      return x >= 0 ? x : alpha * std::expm1(x);
    case F::celu:
      return x >= 0 ? x : alpha * std::expm1(x / alpha);
    case F::selu:
      return x >= 0 ? beta * x : beta * alpha * std::expm1(x);
    case F::thresholded_relu:
      return x > alpha ? x : 0;
    case F::clip:
      return std::isnan(x) ? x : std::min(std::max(x, alpha), beta);
    case F::shrink:
      return x < -alpha ? x + beta : x > alpha ? x - beta : 0;
    case F::logical_not:
      return x == 0;
    case F::bitwise_not:
      break;
    case F::is_nan:
      return std::isnan(x);
    case F::is_inf:
      return std::isinf(x) && (x < 0 ? alpha != 0 : beta != 0);
  }
  return x;
}

/// The bits of an integer, as a 64-bit machine holds them.
std::uint64_t bits_of(Number x) {
  return x < 0 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(x))
               : static_cast<std::uint64_t>(x);
}

/// What is left of a 64-bit result in a narrower type.
Number wrapped(std::uint64_t bits, DataType type) {
  return visit_type(type, [&]<typename T>(std::type_identity<T>) -> Number {
    if constexpr (std::is_integral_v<T>) return static_cast<T>(bits);
    return 0;
  });
}

Number wrapped(Number x, DataType type) { return wrapped(bits_of(x), type); }

Number integer(BinaryFunction function, Number a, Number b, DataType type) {
  using F = BinaryFunction;
  const std::uint64_t x = bits_of(a);
  const std::uint64_t y = bits_of(b);
  const auto remainder = [&] { return b == 0 ? 0 : std::fmod(a, b); };
  switch (function) {
    case F::add:
      return wrapped(x + y, type);
    case F::subtract:
      return wrapped(x - y, type);
    case F::multiply:
      return wrapped(x * y, type);
    case F::prelu:
      return a < 0 ? wrapped(x * y, type) : a;
    case F::divide: {
      if (b == 0) return 0;
      const Number quotient = (a - std::fmod(a, b)) / b;
      // Only the lowest value by -1 does not fit.
      return quotient >= 0x1p63L && is_signed(type) ? a : wrapped(quotient, type);
    }
    case F::power: {
      if (b < 0) return a == 1 ? 1 : a == -1 ? (std::fmod(b, Number{2}) == 0 ? 1 : -1) : 0;
      std::uint64_t result = 1;
      for (Number n = 0; n < b; ++n) result *= x;
      return wrapped(result, type);
    }
    case F::minimum:
      return std::min(a, b);
    case F::maximum:
      return std::max(a, b);
    case F::fmod:
      return remainder();
    case F::modulo: {
      const Number r = remainder();
      return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    }
    case F::bitwise_and:
      return wrapped(x & y, type);
    case F::bitwise_or:
      return wrapped(x | y, type);
    case F::bitwise_xor:
      return wrapped(x ^ y, type);
    case F::shift_left:
      return y >= 8 * size_of(type) ? 0 : wrapped(x << y, type);
    case F::shift_right:
      if (y >= 8 * size_of(type)) return a < 0 ? -1 : 0;
      return std::floor(std::ldexp(a, -static_cast<int>(y)));
    default:
      return 0;
  }
}

Number floating(BinaryFunction function, Number a, Number b) {
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
      return std::isnan(a) || std::isnan(b) ? a + b : std::min(a, b);
    case F::maximum:
      return std::isnan(a) || std::isnan(b) ? a + b : std::max(a, b);
    case F::fmod:
      return std::fmod(a, b);
    case F::modulo: {
      const Number r = std::fmod(a, b);
      return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    }
    case F::prelu:
      return a >= 0 ? a : a * b;
    default:
      return 0;
  }
}

Number evaluate(BinaryFunction function, Number a, Number b, DataType type) {
  using F = BinaryFunction;
  switch (function) {
    case F::equal:
      return a == b;
    case F::less:
      return a < b;
    case F::less_or_equal:
      return a <= b;
    case F::greater:
      return a > b;
    case F::greater_or_equal:
      return a >= b;
    case F::logical_and:
      return a != 0 && b != 0;
    case F::logical_or:
      return a != 0 || b != 0;
    case F::logical_xor:
      return (a != 0) != (b != 0);
    default:
      return is_floating(type) ? floating(function, a, b) : integer(function, a, b, type);
  }
}

}  // namespace

void compute(const Unary& o, const ReferenceInputs& in, Results& results) {
  const DataType type = in[0]->type.type;
  fill(results[0], [&](const Index& index) {
    const Number x = at(*in[0], index);
    if (o.function == UnaryFunction::bitwise_not) return wrapped(~bits_of(x), type);
    if (o.function == UnaryFunction::negate && is_integer(type)) return wrapped(-bits_of(x), type);
    const Number y = evaluate(o, x);
    if (!is_integer(type)) return y;
    // What falls outside of an unsigned type, or of the lowest value's, wraps.
    return o.function == UnaryFunction::clip ? y : wrapped(std::trunc(y), type);
  });
}

void compute(const Binary& o, const ReferenceInputs& in, Results& results) {
  const DataType type = in[0]->type.type;
  fill(results[0], [&](const Index& index) {
    return evaluate(o.function, repeated_at(*in[0], index), repeated_at(*in[1], index), type);
  });
}

void compute(const Glu&, const ReferenceInputs& in, Results& results) {
  const std::int64_t half = results[0].type.shape.back();
  fill(results[0], [&](const Index& index) {
    Index gate = index;
    gate.back() += half;
    return at(*in[0], index) * logistic(at(*in[0], gate));
  });
}

void compute(const BitCast& o, const ReferenceInputs& in, Results& results) {
  const auto as_number = [](auto value) {
    if constexpr (sizeof(value) == 2 && !std::is_integral_v<decltype(value)>) {
      return static_cast<Number>(static_cast<float>(value));
    } else {
      return static_cast<Number>(value);
    }
  };
  fill(results[0], [&](const Index& index) {
    const Number x = at(*in[0], index);
    return visit_type(in[0]->type.type, [&]<typename From>(std::type_identity<From>) -> Number {
      return visit_type(o.type, [&]<typename To>(std::type_identity<To>) -> Number {
        if constexpr (sizeof(From) != sizeof(To)) {
          return 0;
        } else if constexpr (sizeof(From) == 2 && !std::is_integral_v<From>) {
          return as_number(std::bit_cast<To>(From(static_cast<float>(x))));
        } else {
          return as_number(std::bit_cast<To>(static_cast<From>(x)));
        }
      });
    });
  });
}

void compute(const Cast& o, const ReferenceInputs& in, Results& results) {
  const DataType from = in[0]->type.type;
  fill(results[0], [&](const Index& index) {
    const Number x = at(*in[0], index);
    return visit_type(o.type, [&]<typename T>(std::type_identity<T>) -> Number {
      if constexpr (std::is_same_v<T, bool>) {
        return x != 0;
      } else if constexpr (std::is_integral_v<T>) {
        if (!is_floating(from)) return wrapped(x, o.type);
        if (std::isnan(x)) return 0;
        return std::min<Number>(std::max<Number>(std::trunc(x), std::numeric_limits<T>::min()),
                                std::numeric_limits<T>::max());
      } else if constexpr (std::is_same_v<T, double>) {
        return static_cast<double>(x);
      } else {
        return static_cast<float>(static_cast<T>(static_cast<float>(x)));
      }
    });
  });
}

}  // namespace metalaudio::nn
