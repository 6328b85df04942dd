#pragma once

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

/// Functions of two values.
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

/// What kernels can do to a result before they store it. gelu is the exact form (erf). glu pairs the
/// two halves of the columns: a · sigmoid(b).
enum class Activation { none, gelu, gelu_tanh, relu, sigmoid, tanh, silu, glu };

}  // namespace metalaudio::nn
