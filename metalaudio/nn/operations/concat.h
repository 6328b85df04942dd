#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>
#include <vector>

namespace metalaudio::nn {

/// torch.cat.
struct Concat {
  static constexpr std::string_view kName = "concat";
  static constexpr std::array kInputs{Role::data};
  static constexpr bool kVariadic = true;  ///< any number of inputs, all of the last role

  std::int64_t axis = -1;

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
