#include <metalaudio/nn/io/onnx/convolution.h>
#include <metalaudio/nn/io/onnx/import_table.h>
#include <metalaudio/nn/io/onnx/narrow_types.h>

#include <limits>

namespace metalaudio::nn {

namespace {

using Results = std::vector<Value>;
using R = ReduceFunction;

/// A scale or zero point as it lies along x: for all of it, for each place along the axis, or for
/// each block of places.
Value laid_out(Call& c, std::size_t input, DataType type, std::size_t rank) {
  Builder& b = c.b;
  const Value given = b.cast(c.in(input), type);
  const Shape in = b.shape(given);
  if (in.size() == 1) return b.reshape(given, Shape{});
  const std::int64_t block = c.attribute("block_size", std::int64_t{0});
  const std::size_t axis = axis_in(c.attribute("axis", std::int64_t{1}), rank);
  if (block == 0) return in.rank() == 1 ? b.along_axis(given, axis, rank) : given;
  if (in.rank() != rank) invalid("blocks of {}", in.to_string());
  Integers apart = extents_of(in);
  apart.insert(apart.begin() + static_cast<std::ptrdiff_t>(axis) + 1, 1);
  Integers wide = apart;
  wide[axis + 1] = block;
  Integers whole = extents_of(in);
  whole[axis] *= block;
  const Value repeated = b.expand(b.reshape(given, Shape(apart)), Shape(wide));
  return b.slice(b.reshape(repeated, Shape(whole)), axis, 0, c.shape(0)[axis]);
}

/// x / scale, plus the zero point where there is one, in a narrow type that is no integer.
Value quantize_narrow(Call& c, const NarrowType& type) {
  Builder& b = c.b;
  Value y =
      b.divide(b.cast(c.in(0), DataType::f32), laid_out(c, 1, DataType::f32, c.shape(0).rank()));
  if (c.has(2)) y = b.add(y, laid_out(c, 2, DataType::f32, c.shape(0).rank()));
  return cast_to_narrow(b, y, type, c.attribute("saturate", std::int64_t{1}) != 0, "up");
}

/// The type of the zero point, or output_dtype, or u8.
Results quantize_linear(Call& c) {
  DataType type = c.attribute_type("output_dtype", DataType::u8);
  if (c.has(2)) type = c.type(2);
  const NarrowType* narrow =
      narrow_type(c.has(2) ? c.b.narrow(c.in(2)) : c.attribute_narrow("output_dtype"));
  if (narrow != nullptr && !narrow->is_integer()) return {quantize_narrow(c, *narrow)};
  Quantize quantize{c.attribute("axis", std::int64_t{1}), type,
                    c.attribute("block_size", std::int64_t{0})};
  Value x = c.in(0);
  Value scale = c.in(1);
  if (c.b.type(x) == DataType::i32) x = c.b.cast(x, c.b.type(scale));
  if (c.b.rank(scale) == 0) quantize.axis = 0;
  const Value y = c.b.apply(quantize, {x, scale, c.optional(2)});
  if (narrow == nullptr) return {y};
  const double least = type == DataType::i8 ? -narrow->most - 1 : 0;
  const Value held = c.b.unary(UnaryFunction::clip, y, least, narrow->most);
  c.b.mark(held, narrow->number);
  return {held};
}

Results dequantize_linear(Call& c) {
  if (is_floating(c.type(0))) {  // of a narrow type
    const DataType type = c.type(1);
    const std::size_t rank = c.shape(0).rank();
    Value x = c.b.cast(c.in(0), type);
    if (c.has(2)) x = c.b.subtract(x, laid_out(c, 2, type, rank));
    return {c.b.multiply(x, laid_out(c, 1, type, rank))};
  }
  Dequantize dequantize{c.attribute("axis", std::int64_t{1}),
                        c.attribute("block_size", std::int64_t{0})};
  if (c.b.rank(c.in(1)) == 0) dequantize.axis = 0;
  return {c.b.apply(dequantize, {c.in(0), c.in(1), c.optional(2)})};
}

/// u8 over the range of x, in which 0 is always contained.
Results dynamic_quantize_linear(Call& c) {
  Builder& b = c.b;
  const Value x = c.in(0);
  std::vector<std::size_t> axes;
  for (std::size_t i = 0; i < c.shape(0).rank(); ++i) axes.push_back(i);
  const auto number = [&](double value) { return b.number(value, DataType::f32); };
  const auto bound = [&](R function, BinaryFunction with) {
    return b.binary(with, b.reduce(function, x, axes, false), number(0));
  };
  const Value least = bound(R::minimum, BinaryFunction::minimum);
  const Value most = bound(R::maximum, BinaryFunction::maximum);
  const Value scale = b.divide(b.subtract(most, least), number(255));
  const Value zero = b.unary(UnaryFunction::negate, b.divide(least, scale));
  const Value held = b.unary(UnaryFunction::clip, b.unary(UnaryFunction::round, zero), 0, 255);
  const Value point = b.cast(held, DataType::u8);
  return {b.apply(Quantize{0, DataType::u8, 0}, {x, scale, point}), scale, point};
}

/// As 32-bit integers, less their zero point: of one element, of each row (axis −2) or column.
Value centred(Call& c, std::size_t input, std::size_t zero, std::size_t axis, DataType type) {
  Builder& b = c.b;
  const Value x = b.cast(c.in(input), type);
  if (!c.has(zero)) return x;
  Value point = b.cast(c.in(zero), type);
  if (b.shape(point).size() == 1) {
    point = b.reshape(point, Shape{});
  } else if (b.rank(point) == 1) {
    point = b.along_axis(point, axis, b.rank(x));
  }
  return b.subtract(x, point);
}

Results matmul_integer(Call& c) {
  const std::size_t rows = c.shape(0).rank() < 2 ? 0 : c.shape(0).rank() - 2;
  const std::size_t columns = c.shape(1).rank() - 1;
  return {
      c.b.matmul(centred(c, 0, 2, rows, DataType::i32), centred(c, 1, 3, columns, DataType::i32))};
}

/// A scale that repeats along an axis.
Value scale_along(Call& c, std::size_t input, std::size_t axis, std::size_t rank) {
  const Value scale = c.b.cast(c.in(input), DataType::f32);
  if (c.b.shape(scale).size() == 1) return c.b.reshape(scale, Shape{});
  return c.b.rank(scale) == 1 ? c.b.along_axis(scale, axis, rank) : scale;
}

/// a, its scale and zero point, b, its two, those of y.
Results qlinear_matmul(Call& c) {
  Builder& b = c.b;
  const std::size_t rows = c.shape(0).rank() < 2 ? 0 : c.shape(0).rank() - 2;
  const std::size_t columns = c.shape(3).rank() - 1;
  const Value product =
      b.matmul(centred(c, 0, 2, rows, DataType::i32), centred(c, 3, 5, columns, DataType::i32));
  const std::size_t rank = b.rank(product);
  const Value scale = b.multiply(scale_along(c, 1, rank < 2 ? 0 : rank - 2, rank),
                                 scale_along(c, 4, rank - 1, rank));
  const Value real = b.multiply(b.cast(product, DataType::f32), scale);
  const Value y_scale = b.cast(c.in(6), DataType::f32);
  return {b.apply(Quantize{0, c.type(7), 0}, {real, y_scale, c.in(7)})};
}

/// Sums of products of 8-bit integers are whole numbers that float64 holds exactly.
Value exact_convolution(Call& c, std::size_t x, std::size_t x_zero, std::size_t w,
                        std::size_t w_zero) {
  return convolve(c, centred(c, x, x_zero, 1, DataType::f64),
                  centred(c, w, w_zero, 0, DataType::f64), {});
}

Results conv_integer(Call& c) {
  return {c.b.cast(exact_convolution(c, 0, 2, 1, 3), DataType::i32)};
}

/// x, its scale and zero point, w, its two, those of y, bias.
Results qlinear_conv(Call& c) {
  Builder& b = c.b;
  Value sum = exact_convolution(c, 0, 2, 3, 5);
  const std::size_t rank = b.rank(sum);
  if (c.has(8)) sum = b.add(sum, b.along_axis(b.cast(c.in(8), DataType::f64), 1, rank));
  const Value scale = b.multiply(scale_along(c, 1, 0, rank), scale_along(c, 4, 1, rank));
  const Value real = b.multiply(b.cast(sum, DataType::f32), scale);
  return {b.apply(Quantize{0, c.type(7), 0}, {real, c.in(6), c.in(7)})};
}

constexpr ImportEntry kEntries[] = {
    {"ConvInteger", conv_integer},
    {"DequantizeLinear", dequantize_linear},
    {"DynamicQuantizeLinear", dynamic_quantize_linear},
    {"MatMulInteger", matmul_integer},
    {"QLinearConv", qlinear_conv},
    {"QLinearMatMul", qlinear_matmul},
    {"QuantizeLinear", quantize_linear},
};

}  // namespace

std::span<const ImportEntry> quantisation_imports() { return kEntries; }

}  // namespace metalaudio::nn
