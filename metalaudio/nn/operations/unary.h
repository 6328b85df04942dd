#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>

namespace metalaudio::nn {

/// Functions of one value. alpha and beta are their parameters, where they have any.
enum class UnaryFunction {
  identity,
  absolute,
  negate,
  sign,
  exp,
  log,
  sqrt,
  reciprocal,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  asinh,
  acosh,
  atanh,
  erf,
  floor,
  ceil,
  round,  ///< round: half to even
  relu,
  sigmoid,
  gelu,       ///< exact, with erf: torch.nn.GELU()
  gelu_tanh,  ///< torch.nn.GELU(approximate="tanh")
  silu,
  softplus,
  softsign,
  mish,
  hard_swish,
  hard_sigmoid,      ///< max(0, min(1, alpha x + beta))
  leaky_relu,        ///< alpha x below 0
  elu,               ///< alpha (e^x - 1) below 0
  celu,              ///< alpha (e^(x / alpha) - 1) below 0
  selu,              ///< beta x, beta alpha (e^x - 1) below 0
  thresholded_relu,  ///< x above alpha, else 0
  clip,              ///< between alpha and beta
  shrink,            ///< x + beta below -alpha, x - beta above alpha, else 0
  logical_not,
  bitwise_not,
  is_nan,
  is_inf,  ///< is_inf: alpha != 0 finds −inf, beta != 0 finds +inf
};

std::string_view to_string(UnaryFunction function) noexcept;

/// torch's and ONNX's element-wise operations. is_nan and is_inf give booleans.
struct Unary {
  static constexpr std::string_view kName = "unary";
  static constexpr std::array kInputs{Role::data};

  UnaryFunction function = UnaryFunction::identity;
  double alpha = 0;
  double beta = 0;

  ValueTypes infer(const Inputs& inputs) const;
};

/// torch.nn.GLU on the channels: a · sigmoid(b) of the two halves of the last axis.
struct Glu {
  static constexpr std::string_view kName = "glu";
  static constexpr std::array kInputs{Role::data};

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
