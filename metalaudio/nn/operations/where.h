#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>

namespace metalaudio::nn {

/// torch.where: a where the condition holds, else b; all repeated to one shape by numpy's rule.
struct Where {
  static constexpr std::string_view kName = "where";
  static constexpr std::array kInputs{Role::data, Role::data, Role::data};
  enum Index { condition, a, b };

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
