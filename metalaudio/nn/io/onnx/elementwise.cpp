#include <metalaudio/nn/io/onnx/import_table.h>
#include <metalaudio/nn/io/onnx/narrow_types.h>

#include <algorithm>
#include <limits>

namespace metalaudio::nn {

namespace {

using U = UnaryFunction;
using F = BinaryFunction;
using Results = std::vector<Value>;

template <U function>
Results unary(Call& c) {
  return {c.b.unary(function, c.in(0))};
}

template <F function>
Results binary(Call& c) {
  return {c.b.binary(function, c.in(0), c.in(1))};
}

/// Attributes alpha and beta with ONNX's defaults; "" where the function has none.
struct Defaults {
  double alpha = 0;
  double beta = 0;
};

Results with(Call& c, U function, const char* alpha, const char* beta, Defaults defaults) {
  return {c.b.unary(function, c.in(0), *alpha == 0 ? 0 : c.attribute(alpha, defaults.alpha),
                    *beta == 0 ? 0 : c.attribute(beta, defaults.beta))};
}

Results celu(Call& c) { return with(c, U::celu, "alpha", "", {1, 0}); }
Results elu(Call& c) { return with(c, U::elu, "alpha", "", {1, 0}); }
Results hard_sigmoid(Call& c) { return with(c, U::hard_sigmoid, "alpha", "beta", {0.2, 0.5}); }
Results leaky_relu(Call& c) { return with(c, U::leaky_relu, "alpha", "", {0.01, 0}); }
Results selu(Call& c) {
  return with(c, U::selu, "alpha", "gamma", {1.67326319217681884765625, 1.05070102214813232421875});
}
Results shrink(Call& c) { return with(c, U::shrink, "lambd", "bias", {0.5, 0}); }
Results thresholded_relu(Call& c) { return with(c, U::thresholded_relu, "alpha", "", {1, 0}); }

Results gelu(Call& c) {
  const bool tanh = c.attribute("approximate", "none") == "tanh";
  return {c.b.unary(tanh ? U::gelu_tanh : U::gelu, c.in(0))};
}

/// x · sigmoid(alpha x)
Results swish(Call& c) {
  const double alpha = c.attribute("alpha", 1.0);
  if (alpha == 1) return {c.b.unary(U::silu, c.in(0))};
  return {c.b.multiply(c.in(0), c.b.unary(U::sigmoid, c.b.scaled(c.in(0), alpha)))};
}

Results swiglu(Call& c) {
  if (c.shape(0) != c.shape(1)) {
    invalid("{} and {}", c.shape(0).to_string(), c.shape(1).to_string());
  }
  return {c.b.multiply(swish(c)[0], c.in(1))};
}

Results is_inf(Call& c) {
  const auto flag = [&](const char* name) {
    return static_cast<double>(c.attribute(name, std::int64_t{1}));
  };
  return {c.b.unary(U::is_inf, c.in(0), flag("detect_negative"), flag("detect_positive"))};
}

Results identity(Call& c) { return {c.in(0)}; }

/// The result has the base's type; a fraction is raised as one and cut afterwards.
Results power(Call& c) {
  const Value x = c.in(0);
  Value exponent = c.in(1);
  const DataType type = c.type(0);
  if (is_floating(type) && c.b.is_constant(exponent) && c.shape(1).size() == 1 &&
      c.shape(1).rank() <= c.shape(0).rank()) {
    const double value = numbers_of(c.b.tensor(exponent))[0];
    if (value == 1) return {x};
    if (value == 2) return {c.b.multiply(x, x)};
    if (value == 0.5) return {c.b.unary(U::sqrt, x)};
  }
  if (!is_floating(type) && is_floating(c.b.type(exponent))) {
    const Value raised =
        c.b.binary(F::power, c.b.cast(x, DataType::f64), c.b.cast(exponent, DataType::f64));
    return {c.b.cast(raised, type)};
  }
  return {c.b.binary(F::power, x, c.b.cast(exponent, type))};
}

Results modulo(Call& c) {
  const bool as_c = c.attribute("fmod", std::int64_t{0}) != 0;
  return {c.b.binary(as_c ? F::fmod : F::modulo, c.in(0), c.in(1))};
}

Results bit_shift(Call& c) {
  const std::string direction = c.attribute("direction", "");
  if (direction != "LEFT" && direction != "RIGHT") invalid("direction \"{}\"", direction);
  return {c.b.binary(direction == "LEFT" ? F::shift_left : F::shift_right, c.in(0), c.in(1))};
}

/// The slope repeats to x, never the other way round.
Results prelu(Call& c) {
  if (broadcast(c.shape(0), c.shape(1)) != c.shape(0)) {
    invalid("slope {} does not repeat to {}", c.shape(1).to_string(), c.shape(0).to_string());
  }
  return {c.b.binary(F::prelu, c.in(0), c.in(1))};
}

template <F function>
Results fold(Call& c) {
  Value result = c.in(0);
  for (std::size_t i = 1; i < c.size(); ++i) result = c.b.binary(function, result, c.in(i));
  return {result};
}

Results mean(Call& c) {
  const Value sum = fold<F::add>(c)[0];
  return {c.b.divide(sum, c.b.number(static_cast<double>(c.size()), c.b.type(sum)))};
}

/// Bounds were attributes before opset 11. The upper one wins where they cross.
Results clip(Call& c) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Value x = c.in(0);
  if (c.opset() < 11) {
    constexpr double kMost = std::numeric_limits<float>::max();
    return {c.b.unary(U::clip, x, c.attribute("min", -kMost), c.attribute("max", kMost))};
  }
  const auto known = [&](std::size_t i) {
    return !c.has(i) || (c.b.is_constant(c.in(i)) && c.shape(i).size() == 1);
  };
  if (is_floating(c.type(0)) && known(1) && known(2)) {
    const double least = c.number(1).value_or(-kInfinity);
    const double most = c.number(2).value_or(kInfinity);
    return {c.b.unary(U::clip, x, std::min(least, most), most)};
  }
  Value y = x;
  if (c.has(1)) y = c.b.binary(F::maximum, y, c.in(1));
  if (c.has(2)) y = c.b.binary(F::minimum, y, c.in(2));
  return {y};
}

Value cast_to(Call& c, DataType type, int narrow) {
  const Value x = c.in(0);
  if (narrow == 0) {  // a value of its own even where the type stays: this one is not narrow
    return c.b.narrow(x) == 0 ? c.b.cast(x, type) : c.b.apply(Cast{type}, {x});
  }
  if (c.b.narrow(x) == narrow) return x;
  const bool saturate = c.attribute("saturate", std::int64_t{1}) != 0;
  return cast_to_narrow(c.b, x, *narrow_type(narrow), saturate, c.attribute("round_mode", "up"));
}

Results cast(Call& c) {
  if (!c.has_attribute("to")) invalid("attribute to is missing");
  return {cast_to(c, c.attribute_type("to", DataType::f32), c.attribute_narrow("to"))};
}
Results cast_like(Call& c) { return {cast_to(c, c.type(1), c.b.narrow(c.in(1)))}; }

Results bit_cast(Call& c) {
  const DataType to = c.attribute_type("to", DataType::f32);
  if (c.attribute_narrow("to") != 0 || c.b.narrow(c.in(0)) != 0) unsupported("a narrow type");
  return {c.b.apply(BitCast{to}, {c.in(0)})};
}

Results where(Call& c) { return {c.b.where(c.in(0), c.in(1), c.in(2))}; }

/// Outside training the identity.
Results dropout(Call& c) {
  if (c.has(2) && c.number(2) != 0 && c.number(1).value_or(0.5) != 0) unsupported("training_mode");
  const DataType mask = c.opset() >= 10 ? DataType::boolean : c.type(0);
  if (!c.wants(1)) return {c.in(0)};
  return {c.in(0), c.b.filled(c.shape(0), 1, mask)};
}

/// One axis since opset 13; before, all axes from this one on together.
struct Rows {
  Value x;
  std::size_t axis;
};
Rows rows_of(Call& c) {
  const bool one_axis = c.opset() >= 13;
  const std::size_t rank = c.shape(0).rank();
  const std::size_t axis =
      axis_in(c.attribute("axis", std::int64_t{one_axis ? -1 : 1}), rank + (one_axis ? 0 : 1));
  if (one_axis) return {c.in(0), axis};
  std::int64_t rows = 1;
  for (std::size_t i = 0; i < axis; ++i) rows *= c.shape(0)[i];
  const std::int64_t size = c.shape(0).size();
  return {c.b.reshape(c.in(0), {rows, rows == 0 ? 0 : size / rows}), 1};
}

template <bool logarithm>
Results softmax(Call& c) {
  const Rows rows = rows_of(c);
  const Value y = c.b.apply(Softmax{static_cast<std::int64_t>(rows.axis), logarithm}, {rows.x});
  return {c.b.reshape(y, c.shape(0))};
}

/// 1 at the first of the greatest values along the axis, 0 elsewhere.
Results hardmax(Call& c) {
  const Rows rows = rows_of(c);
  if (c.shape(0).size() == 0) return {c.in(0)};
  const auto axis = static_cast<std::int64_t>(rows.axis);
  const Value index = c.b.apply(ArgReduce{axis, true, false, false}, {rows.x});
  const std::vector<double> values{0, 1};
  const Value off_on = c.b.floats(values, {2}, c.type(0));
  const Value y = c.b.apply(OneHot{axis, c.b.shape(rows.x)[rows.axis]}, {index, off_on});
  return {c.b.reshape(y, c.shape(0))};
}

constexpr ImportEntry kEntries[] = {
    {"Abs", unary<U::absolute>},
    {"Acos", unary<U::acos>},
    {"Acosh", unary<U::acosh>},
    {"Add", binary<F::add>},
    {"And", binary<F::logical_and>},
    {"Asin", unary<U::asin>},
    {"Asinh", unary<U::asinh>},
    {"Atan", unary<U::atan>},
    {"Atanh", unary<U::atanh>},
    {"BitCast", bit_cast},
    {"BitShift", bit_shift},
    {"BitwiseAnd", binary<F::bitwise_and>},
    {"BitwiseNot", unary<U::bitwise_not>},
    {"BitwiseOr", binary<F::bitwise_or>},
    {"BitwiseXor", binary<F::bitwise_xor>},
    {"Cast", cast},
    {"CastLike", cast_like},
    {"Ceil", unary<U::ceil>},
    {"Celu", celu},
    {"Clip", clip},
    {"Cos", unary<U::cos>},
    {"Cosh", unary<U::cosh>},
    {"Div", binary<F::divide>},
    {"Dropout", dropout},
    {"Elu", elu},
    {"Equal", binary<F::equal>},
    {"Erf", unary<U::erf>},
    {"Exp", unary<U::exp>},
    {"Floor", unary<U::floor>},
    {"Gelu", gelu},
    {"Greater", binary<F::greater>},
    {"GreaterOrEqual", binary<F::greater_or_equal>},
    {"HardSigmoid", hard_sigmoid},
    {"HardSwish", unary<U::hard_swish>},
    {"Hardmax", hardmax},
    {"Identity", identity},
    {"IsInf", is_inf},
    {"IsNaN", unary<U::is_nan>},
    {"LeakyRelu", leaky_relu},
    {"Less", binary<F::less>},
    {"LessOrEqual", binary<F::less_or_equal>},
    {"Log", unary<U::log>},
    {"LogSoftmax", softmax<true>},
    {"Max", fold<F::maximum>},
    {"Mean", mean},
    {"Min", fold<F::minimum>},
    {"Mish", unary<U::mish>},
    {"Mod", modulo},
    {"Mul", binary<F::multiply>},
    {"Neg", unary<U::negate>},
    {"Not", unary<U::logical_not>},
    {"Or", binary<F::logical_or>},
    {"PRelu", prelu},
    {"Pow", power},
    {"Reciprocal", unary<U::reciprocal>},
    {"Relu", unary<U::relu>},
    {"Round", unary<U::round>},
    {"Selu", selu},
    {"Shrink", shrink},
    {"Sigmoid", unary<U::sigmoid>},
    {"Sign", unary<U::sign>},
    {"Sin", unary<U::sin>},
    {"Sinh", unary<U::sinh>},
    {"Softmax", softmax<false>},
    {"Softplus", unary<U::softplus>},
    {"Softsign", unary<U::softsign>},
    {"Sqrt", unary<U::sqrt>},
    {"Sub", binary<F::subtract>},
    {"Sum", fold<F::add>},
    {"SwiGLU", swiglu},
    {"Swish", swish},
    {"Tan", unary<U::tan>},
    {"Tanh", unary<U::tanh>},
    {"ThresholdedRelu", thresholded_relu},
    {"Where", where},
    {"Xor", binary<F::logical_xor>},
};

}  // namespace

std::span<const ImportEntry> elementwise_imports() { return kEntries; }

}  // namespace metalaudio::nn
