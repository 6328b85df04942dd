#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>
#include <vector>

namespace metalaudio::nn {

/// torch.reshape: the same elements in the same order under another shape. It costs nothing.
struct Reshape {
  static constexpr std::string_view kName = "reshape";
  static constexpr std::array kInputs{Role::data};

  Shape shape = {};

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
