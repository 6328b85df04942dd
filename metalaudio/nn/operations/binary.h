#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>

namespace metalaudio::nn {

enum class BinaryFunction {
  add,
  subtract,
  multiply,
  divide,  ///< of integers: towards zero, as C and ONNX
  power,
  minimum,
  maximum,
  modulo,  ///< with the divisor's sign, as numpy.mod
  fmod,    ///< with the dividend's sign
  prelu,   ///< a, or a · b below 0
  equal,
  less,
  less_or_equal,
  greater,
  greater_or_equal,
  logical_and,
  logical_or,
  logical_xor,
  bitwise_and,
  bitwise_or,
  bitwise_xor,
  shift_left,
  shift_right,
};

std::string_view to_string(BinaryFunction function) noexcept;

/// Element by element, both repeated to one shape by numpy's rule. Comparisons give booleans.
struct Binary {
  static constexpr std::string_view kName = "binary";
  static constexpr std::array kInputs{Role::data, Role::data};

  BinaryFunction function = BinaryFunction::add;

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
