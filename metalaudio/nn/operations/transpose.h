#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>
#include <vector>

namespace metalaudio::nn {

/// torch.permute: axis i of the result is axis order[i] of x.
struct Transpose {
  static constexpr std::string_view kName = "transpose";
  static constexpr std::array kInputs{Role::data};

  std::vector<std::size_t> order = {};

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
