#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>

namespace metalaudio::nn {

/// torch.nn.LayerNorm over the last `axes` axes; gamma and beta have their extents and may be
/// absent.
struct LayerNorm {
  static constexpr std::string_view kName = "layer_norm";
  static constexpr std::array kInputs{Role::data, Role::optional_weight, Role::optional_weight};
  enum Index { x, gamma, beta };

  std::size_t axes = 1;
  float epsilon = 1e-5F;

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
