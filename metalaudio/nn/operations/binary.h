#pragma once

#include <metalaudio/nn/operations/element_functions.h>
#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>

namespace metalaudio::nn {

std::string_view to_string(BinaryFunction function) noexcept;

/// Element by element, both repeated to one shape by numpy's rule. Comparisons give booleans.
struct Binary {
  static constexpr std::string_view kName = "binary";
  static constexpr std::array kInputs{Role::data, Role::data};

  BinaryFunction function = BinaryFunction::add;

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
