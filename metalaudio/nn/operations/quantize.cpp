#include <metalaudio/nn/operations/quantize.h>

#include <vector>

namespace metalaudio::nn {

namespace {

/// Rejects scales, or zero points, that fit neither the whole, nor the axis, nor its blocks.
void expect_scale(const Inputs& inputs, std::size_t index, std::int64_t axis, std::int64_t block) {
  const Shape& in = inputs.shape(0);
  const Shape& scale = inputs.shape(index);
  if (block < 0) reject("blocks of {}", block);
  if (block == 0 && scale.size() == 1 && scale.rank() <= 1) return;
  const std::size_t along = axis_of(axis, in.rank());
  if (block == 0) {
    inputs.expect_shape(index, {in[along]}, index == 1 ? "scale" : "zero point");
    return;
  }
  std::vector<std::int64_t> extents(in.extents().begin(), in.extents().end());
  extents[along] = in[along] / block + (in[along] % block != 0 ? 1 : 0);
  inputs.expect_shape(index, Shape(extents), index == 1 ? "scale" : "zero point");
}

void expect_scales(const Inputs& inputs, std::int64_t axis, std::int64_t block) {
  if (!is_floating(inputs.type(1))) reject("scale {}", inputs[1].to_string());
  expect_scale(inputs, 1, axis, block);
  if (inputs.has(2)) expect_scale(inputs, 2, axis, block);
}

bool is_quantized(DataType type) {
  return type == DataType::u8 || type == DataType::i8 || type == DataType::u16 ||
         type == DataType::i16;
}

}  // namespace

ValueTypes Quantize::infer(const Inputs& inputs) const {
  const DataType from = inputs.type(x);
  if (!is_floating(from) && from != DataType::i32) reject("{}", inputs[x].to_string());
  if (!is_quantized(type)) reject("to {}: u8, i8, u16 or i16", metalaudio::to_string(type));
  if (inputs.has(zero_point) && inputs.type(zero_point) != type) {
    reject("zero point {} of {}", inputs[zero_point].to_string(), metalaudio::to_string(type));
  }
  expect_scales(inputs, axis, block);
  return {{inputs.shape(x), type}};
}

ValueTypes Dequantize::infer(const Inputs& inputs) const {
  const DataType from = inputs.type(x);
  if (!is_quantized(from) && from != DataType::i32) reject("{}", inputs[x].to_string());
  if (inputs.has(zero_point) && inputs.type(zero_point) != from) {
    reject("zero point {} of {}", inputs[zero_point].to_string(), inputs[x].to_string());
  }
  expect_scales(inputs, axis, block);
  return {{inputs.shape(x), inputs.type(scale)}};
}

}  // namespace metalaudio::nn
