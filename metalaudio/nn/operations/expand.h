#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>
#include <vector>

namespace metalaudio::nn {

/// torch.broadcast_to, by numpy's rule: axes of extent 1 are repeated.
struct Expand {
  static constexpr std::string_view kName = "expand";
  static constexpr std::array kInputs{Role::data};

  Shape shape = {};

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
