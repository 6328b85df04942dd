#include <metalaudio/nn/operations/binary.h>

namespace metalaudio::nn {

std::string_view to_string(BinaryFunction function) noexcept {
  switch (function) {
    case BinaryFunction::add:
      return "add";
    case BinaryFunction::subtract:
      return "subtract";
    case BinaryFunction::multiply:
      return "multiply";
    case BinaryFunction::divide:
      return "divide";
    case BinaryFunction::power:
      return "power";
    case BinaryFunction::minimum:
      return "minimum";
    case BinaryFunction::maximum:
      return "maximum";
    case BinaryFunction::modulo:
      return "modulo";
    case BinaryFunction::fmod:
      return "fmod";
    case BinaryFunction::prelu:
      return "prelu";
    case BinaryFunction::equal:
      return "equal";
    case BinaryFunction::less:
      return "less";
    case BinaryFunction::less_or_equal:
      return "less_or_equal";
    case BinaryFunction::greater:
      return "greater";
    case BinaryFunction::greater_or_equal:
      return "greater_or_equal";
    case BinaryFunction::logical_and:
      return "logical_and";
    case BinaryFunction::logical_or:
      return "logical_or";
    case BinaryFunction::logical_xor:
      return "logical_xor";
    case BinaryFunction::bitwise_and:
      return "bitwise_and";
    case BinaryFunction::bitwise_or:
      return "bitwise_or";
    case BinaryFunction::bitwise_xor:
      return "bitwise_xor";
    case BinaryFunction::shift_left:
      return "shift_left";
    case BinaryFunction::shift_right:
      return "shift_right";
  }
  return "binary";
}

namespace {

bool compares(BinaryFunction function) noexcept {
  return function >= BinaryFunction::equal && function <= BinaryFunction::greater_or_equal;
}

bool takes(BinaryFunction function, DataType type) {
  using F = BinaryFunction;
  if (function == F::equal) return true;
  if (function >= F::logical_and && function <= F::logical_xor) return type == DataType::boolean;
  if (function >= F::bitwise_and) return is_integer(type);
  return type != DataType::boolean;
}

}  // namespace

ValueTypes Binary::infer(const Inputs& inputs) const {
  inputs.expect_one_type();
  if (!takes(function, inputs.type(0))) {
    reject("{} of {}", to_string(function), inputs[0].to_string());
  }
  const Shape shape = broadcast(inputs.shape(0), inputs.shape(1));
  return {{shape, compares(function) ? DataType::boolean : inputs.type(0)}};
}

}  // namespace metalaudio::nn
