#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>

namespace metalaudio::nn {

/// ONNX QuantizeLinear: x / scale rounded half to even, plus the zero point, held in the type's
/// range.
/// Shapes:   scale and zero point of one element, of [extent of axis], or, with `block` > 0, as x
///           with ceil(extent / block) along the axis.
struct Quantize {
  static constexpr std::string_view kName = "quantize";
  static constexpr std::array kInputs{Role::data, Role::data, Role::optional_data};
  enum Index { x, scale, zero_point };

  std::int64_t axis = 1;
  DataType type = DataType::u8;  ///< u8, i8, u16 or i16
  std::int64_t block = 0;

  ValueTypes infer(const Inputs& inputs) const;
};

/// ONNX DequantizeLinear: (x − zero point) · scale, in the scale's type; x also i32.
/// Shapes:   as Quantize.
struct Dequantize {
  static constexpr std::string_view kName = "dequantize";
  static constexpr std::array kInputs{Role::data, Role::data, Role::optional_data};
  enum Index { x, scale, zero_point };

  std::int64_t axis = 1;
  std::int64_t block = 0;

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
