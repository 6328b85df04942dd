#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>
#include <vector>

namespace metalaudio::nn {

/// torch.softmax, or torch.log_softmax, along one axis, the maximum subtracted first.
struct Softmax {
  static constexpr std::string_view kName = "softmax";
  static constexpr std::array kInputs{Role::data};

  std::int64_t axis = -1;
  bool log = false;

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
