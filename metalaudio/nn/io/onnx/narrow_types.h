#pragma once

#include <metalaudio/core/data_type.h>
#include <metalaudio/nn/io/onnx/builder.h>

#include <cstddef>
#include <optional>
#include <string>

namespace metalaudio::nn {

/// A type of ONNX that is narrower than any of DataType. Its values are kept in one that holds them
/// all: integers in 8 bits, floating ones in f16, powers of two in f32.
struct NarrowType {
  int number = 0;  ///< ONNX's
  DataType kept_as = DataType::i8;
  unsigned bits = 8;
  unsigned exponent_bits = 0;  ///< 0: an integer
  unsigned mantissa_bits = 0;
  int bias = 0;
  double most = 0;
  enum class Special { none, nan, infinity, only_one_nan } special = Special::none;

  bool is_integer() const noexcept { return exponent_bits == 0; }
  /// What a pattern of bits stands for.
  double decode(unsigned pattern) const noexcept;
};

/// Null where ONNX's number is not one of them.
const NarrowType* narrow_type(int onnx_type) noexcept;

/// Cast to a narrow type: integers lose their upper bits; floating values are rounded to nearest
/// even, and beyond the greatest one held there, or made NaN or infinite where not `saturate`.
/// `rounding` ("up", "down" or "nearest") is that of powers of two.
Value cast_to_narrow(Builder& b, Value x, const NarrowType& type, bool saturate,
                     const std::string& rounding);

}  // namespace metalaudio::nn
