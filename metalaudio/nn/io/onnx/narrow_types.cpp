#include <metalaudio/nn/io/onnx/call.h>
#include <metalaudio/nn/io/onnx/narrow_types.h>

#include <cmath>
#include <limits>

namespace metalaudio::nn {

namespace {

using U = UnaryFunction;
using F = BinaryFunction;
using S = NarrowType::Special;

// Newer than Debian's message, so by number.
constexpr NarrowType kTypes[] = {
    {17, DataType::f16, 8, 4, 3, 7, 448, S::nan},              // FLOAT8E4M3FN
    {18, DataType::f16, 8, 4, 3, 8, 240, S::only_one_nan},     // FLOAT8E4M3FNUZ
    {19, DataType::f16, 8, 5, 2, 15, 57344, S::infinity},      // FLOAT8E5M2
    {20, DataType::f16, 8, 5, 2, 16, 57344, S::only_one_nan},  // FLOAT8E5M2FNUZ
    {21, DataType::u8, 4, 0, 0, 0, 15, S::none},               // UINT4
    {22, DataType::i8, 4, 0, 0, 0, 7, S::none},                // INT4
    {23, DataType::f16, 4, 2, 1, 1, 6, S::none},               // FLOAT4E2M1
    {24, DataType::f32, 8, 8, 0, 127, 0x1p127, S::nan},        // FLOAT8E8M0
    {25, DataType::u8, 2, 0, 0, 0, 3, S::none},                // UINT2
    {26, DataType::i8, 2, 0, 0, 0, 1, S::none},                // INT2
};

Value integer(Builder& b, std::int64_t value) {
  return b.reshape(b.integers({value}, DataType::i32), Shape{});
}

/// The exponent of each float32 as its bits have it, from 0 to 255.
Value exponent_of(Builder& b, Value bits) {
  const Value shifted = b.binary(F::shift_right, bits, integer(b, 23));
  return b.binary(F::bitwise_and, shifted, integer(b, 255));
}

/// 2 to the power that these bits of an exponent mean.
Value power_of(Builder& b, Value exponent) {
  return b.apply(BitCast{DataType::f32}, {b.binary(F::shift_left, exponent, integer(b, 23))});
}

Value wrapped(Builder& b, Value x, const NarrowType& type) {
  const std::int64_t values = std::int64_t{1} << type.bits;
  Value kept = b.binary(F::bitwise_and, b.cast(x, DataType::i32), integer(b, values - 1));
  if (type.kept_as == DataType::i8) {  // extends the sign
    kept = b.binary(F::bitwise_xor, kept, integer(b, values / 2));
    kept = b.subtract(kept, integer(b, values / 2));
  }
  return b.cast(kept, type.kept_as);
}

/// To a power of two; what is no number, and what is too great, becomes NaN.
Value power_of_two(Builder& b, Value x, bool saturate, const std::string& rounding) {
  const Value bits = b.apply(BitCast{DataType::i32}, {x});
  Value exponent = exponent_of(b, bits);
  const Value special = b.equal(exponent, integer(b, 255));
  const std::int64_t all = (1 << 23) - 1;
  const Value fraction = b.binary(F::bitwise_and, bits, integer(b, all));
  if (rounding == "nearest") {  // half goes up, but not to the second least power
    const Value half = integer(b, 1 << 22);
    const Value up = b.where(b.binary(F::greater, exponent, integer(b, 0)),
                             b.binary(F::greater_or_equal, fraction, half),
                             b.binary(F::greater, fraction, half));
    exponent = b.add(exponent, b.cast(up, DataType::i32));
  } else if (rounding == "up") {
    exponent =
        b.add(exponent, b.cast(b.binary(F::greater, fraction, integer(b, 0)), DataType::i32));
  } else if (rounding != "down") {
    invalid("round_mode \"{}\"", rounding);
  }
  const Value over = b.equal(exponent, integer(b, 255));
  if (saturate) exponent = b.binary(F::minimum, exponent, integer(b, 254));
  // The least power, 2^-127, has no exponent of its own in float32.
  const Value least = b.number(0x1p-127, DataType::f32);
  const Value y = b.where(b.equal(exponent, integer(b, 0)), least, power_of(b, exponent));
  const Value nan = b.number(std::numeric_limits<double>::quiet_NaN(), DataType::f32);
  return b.where(saturate ? special : b.binary(F::logical_or, special, over), nan, y);
}

/// To whole multiples of the spacing that the type has there.
Value rounded(Builder& b, Value x, const NarrowType& type, bool saturate) {
  const auto number = [&](double value) { return b.number(value, DataType::f32); };
  const auto digits = static_cast<std::int64_t>(type.mantissa_bits);
  const Value exponent = exponent_of(b, b.apply(BitCast{DataType::i32}, {x}));
  const Value least = integer(b, 128 - type.bias);
  const Value spacing =
      power_of(b, b.subtract(b.binary(F::maximum, exponent, least), integer(b, digits)));
  Value y = b.multiply(b.unary(U::round, b.divide(x, spacing)), spacing);
  if (saturate || type.special == S::none) {
    y = b.unary(U::clip, y, -type.most, type.most);
  } else {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const Value over = b.binary(F::greater, b.unary(U::absolute, y), number(type.most));
    const Value beyond = type.special == S::infinity
                             ? b.multiply(y, number(kInfinity))
                             : number(std::numeric_limits<double>::quiet_NaN());
    y = b.where(over, beyond, y);
  }
  // What has no NaN has −0 in its place, as ml_dtypes.
  if (type.special == S::none) y = b.where(b.unary(U::is_nan, y), number(-0.0), y);
  if (type.special == S::only_one_nan) y = b.add(y, number(0));  // it has no −0
  return y;
}

}  // namespace

double NarrowType::decode(unsigned pattern) const noexcept {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  const unsigned high = 1U << (bits - 1);
  if (is_integer()) {
    const int whole = static_cast<int>(pattern);
    return kept_as == DataType::i8 && pattern >= high ? whole - static_cast<int>(2 * high) : whole;
  }
  if (mantissa_bits == 0) {
    return pattern == 255 ? kNaN : std::ldexp(1.0, static_cast<int>(pattern) - bias);
  }
  if (special == Special::only_one_nan && pattern == high) return kNaN;
  const double sign = (pattern & high) != 0 ? -1 : 1;
  const unsigned mantissa = pattern & ((1U << mantissa_bits) - 1);
  const unsigned exponent = pattern >> mantissa_bits & ((1U << exponent_bits) - 1);
  const bool last = exponent == (1U << exponent_bits) - 1;
  if (special == Special::nan && last && mantissa == (1U << mantissa_bits) - 1) return kNaN;
  if (special == Special::infinity && last) {
    return mantissa != 0 ? kNaN : sign * std::numeric_limits<double>::infinity();
  }
  const double digits = exponent == 0 ? mantissa : mantissa + (1U << mantissa_bits);
  const int scale = (exponent == 0 ? 1 : static_cast<int>(exponent)) - bias;
  return sign * std::ldexp(digits, scale - static_cast<int>(mantissa_bits));
}

const NarrowType* narrow_type(int onnx_type) noexcept {
  for (const NarrowType& type : kTypes) {
    if (type.number == onnx_type) return &type;
  }
  return nullptr;
}

Value cast_to_narrow(Builder& b, Value x, const NarrowType& type, bool saturate,
                     const std::string& rounding) {
  Value y{};
  if (type.is_integer()) {
    y = wrapped(b, x, type);
  } else if (type.mantissa_bits == 0) {
    y = power_of_two(b, b.cast(x, DataType::f32), saturate, rounding);
  } else {
    y = b.cast(rounded(b, b.cast(x, DataType::f32), type, saturate), type.kept_as);
  }
  b.mark(y, type.number);
  return y;
}

}  // namespace metalaudio::nn
