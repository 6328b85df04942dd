#include <metalaudio/nn/operations/unary.h>

namespace metalaudio::nn {

std::string_view to_string(UnaryFunction function) noexcept {
  switch (function) {
    case UnaryFunction::identity:
      return "identity";
    case UnaryFunction::absolute:
      return "absolute";
    case UnaryFunction::negate:
      return "negate";
    case UnaryFunction::sign:
      return "sign";
    case UnaryFunction::exp:
      return "exp";
    case UnaryFunction::log:
      return "log";
    case UnaryFunction::sqrt:
      return "sqrt";
    case UnaryFunction::reciprocal:
      return "reciprocal";
    case UnaryFunction::sin:
      return "sin";
    case UnaryFunction::cos:
      return "cos";
    case UnaryFunction::tan:
      return "tan";
    case UnaryFunction::asin:
      return "asin";
    case UnaryFunction::acos:
      return "acos";
    case UnaryFunction::atan:
      return "atan";
    case UnaryFunction::sinh:
      return "sinh";
    case UnaryFunction::cosh:
      return "cosh";
    case UnaryFunction::tanh:
      return "tanh";
    case UnaryFunction::asinh:
      return "asinh";
    case UnaryFunction::acosh:
      return "acosh";
    case UnaryFunction::atanh:
      return "atanh";
    case UnaryFunction::erf:
      return "erf";
    case UnaryFunction::floor:
      return "floor";
    case UnaryFunction::ceil:
      return "ceil";
    case UnaryFunction::round:
      return "round";
    case UnaryFunction::relu:
      return "relu";
    case UnaryFunction::sigmoid:
      return "sigmoid";
    case UnaryFunction::gelu:
      return "gelu";
    case UnaryFunction::gelu_tanh:
      return "gelu_tanh";
    case UnaryFunction::silu:
      return "silu";
    case UnaryFunction::softplus:
      return "softplus";
    case UnaryFunction::softsign:
      return "softsign";
    case UnaryFunction::mish:
      return "mish";
    case UnaryFunction::hard_swish:
      return "hard_swish";
    case UnaryFunction::hard_sigmoid:
      return "hard_sigmoid";
    case UnaryFunction::leaky_relu:
      return "leaky_relu";
    case UnaryFunction::elu:
      return "elu";
    case UnaryFunction::celu:
      return "celu";
    case UnaryFunction::selu:
      return "selu";
    case UnaryFunction::thresholded_relu:
      return "thresholded_relu";
    case UnaryFunction::clip:
      return "clip";
    case UnaryFunction::shrink:
      return "shrink";
    case UnaryFunction::logical_not:
      return "logical_not";
    case UnaryFunction::bitwise_not:
      return "bitwise_not";
    case UnaryFunction::is_nan:
      return "is_nan";
    case UnaryFunction::is_inf:
      return "is_inf";
  }
  return "unary";
}

namespace {

bool takes(UnaryFunction function, DataType type) {
  using F = UnaryFunction;
  switch (function) {
    case F::identity:
      return true;
    case F::logical_not:
      return type == DataType::boolean;
    case F::bitwise_not:
      return is_integer(type);
    case F::absolute:
    case F::negate:
    case F::sign:
    case F::relu:
    case F::clip:
    case F::leaky_relu:
    case F::shrink:
      return type != DataType::boolean;
    default:
      return is_floating(type);
  }
}

}  // namespace

ValueTypes Unary::infer(const Inputs& inputs) const {
  if (!takes(function, inputs.type(0))) {
    reject("{} of {}", to_string(function), inputs[0].to_string());
  }
  ValueType type = inputs[0];
  if (function == UnaryFunction::is_nan || function == UnaryFunction::is_inf) {
    type.type = DataType::boolean;
  }
  return {type};
}

ValueTypes Glu::infer(const Inputs& inputs) const {
  inputs.expect_floating();
  const Shape& in = inputs.shape(0);
  if (in.rank() < 1 || in.back() % 2 != 0) reject("{}: glu halves the channels", in.to_string());
  std::vector<std::int64_t> extents(in.extents().begin(), in.extents().end());
  extents.back() /= 2;
  return {{Shape(extents), inputs.type(0)}};
}

}  // namespace metalaudio::nn
