#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>
#include <vector>

namespace metalaudio::nn {

/// Rotary positions on interleaved pairs of each head's channels, along the tokens of one axis:
/// y[2j] = x[2j] cos − x[2j+1] sin, y[2j+1] = x[2j+1] cos + x[2j] sin, angle = position ·
/// frequency[j]. With `interleaved` false the pairs are (j, rotated/2 + j), as in GPT-NeoX.
/// Shapes:   x[…tokens…][heads · depth], frequencies[rotated / 2] -> as x; channels of a head past
///           `rotated` stay as they are. rotated is twice the number of frequencies.
struct Rotary {
  static constexpr std::string_view kName = "rotary";
  static constexpr std::array kInputs{Role::data, Role::weight};
  enum Index { x, frequencies };

  std::int64_t heads = 1;
  std::int64_t axis = -2;
  bool interleaved = true;

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
