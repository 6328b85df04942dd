#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>

namespace metalaudio::nn {

/// softmax(scale · q kᵀ + mask) v per head, along the tokens of one axis, over all others but the
/// channels. torch.nn.functional.scaled_dot_product_attention with the heads side by side.
/// Shapes:   q[…queries…][channels], k[…keys…][channels], v[…keys…][heads · depth] ->
///           […queries…][heads · depth]; mask broadcasts to [batch][heads][queries][keys], where
///           batch counts the other axes. A row whose mask is all −inf gives zeros.
struct Attention {
  static constexpr std::string_view kName = "attention";
  static constexpr std::array kInputs{Role::data, Role::data, Role::data, Role::optional_data};
  enum Index { q, k, v, mask };

  std::int64_t heads = 1;
  std::int64_t axis = -2;  ///< of the tokens
  float scale = 0;         ///< 0: 1 / sqrt(channels / heads)
  bool causal = false;     ///< query i sees keys 0…i

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
