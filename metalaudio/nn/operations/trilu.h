#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>

namespace metalaudio::nn {

/// torch.triu and tril of the last two axes: what lies below (or above) the diagonal is zero.
struct Trilu {
  static constexpr std::string_view kName = "trilu";
  static constexpr std::array kInputs{Role::data};

  bool upper = true;
  std::int64_t diagonal = 0;

  ValueTypes infer(const Inputs& inputs) const;
};

/// ONNX OneHot: values[1] where the index along the new axis is the one of `indices` (negative ones
/// count from the end), values[0] elsewhere; an index that is out of range gives values[0] alone.
/// Shapes:   indices[any…], values[2] -> indices' axes with `depth` put in at `axis`.
struct OneHot {
  static constexpr std::string_view kName = "one_hot";
  static constexpr std::array kInputs{Role::data, Role::data};
  enum Index { indices, values };

  std::int64_t axis = -1;
  std::int64_t depth = 1;

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
