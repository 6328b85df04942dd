#pragma once

#include <metalaudio/nn/operations/element_functions.h>
#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>

namespace metalaudio::nn {

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
