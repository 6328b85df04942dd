#pragma once

#include <metalaudio/nn/operations/inputs.h>
#include <metalaudio/nn/operations/sliding_axis.h>

#include <array>
#include <string_view>
#include <vector>

namespace metalaudio::nn {

/// torch.nn.Conv1d, 2d, 3d and Linear: a convolution over the axes before the channels, one entry
/// of `axes` for each; none at all is a linear layer.
/// Shapes:   x[batch…][axes…][in], weight[out][kernels…][in / groups], bias[out] -> [batch…][axes…][out].
struct Conv {
  static constexpr std::string_view kName = "conv";
  static constexpr std::array kInputs{Role::data, Role::weight, Role::optional_weight};
  enum Index { x, weight, bias };

  std::vector<SlidingAxis> axes = {};
  std::int64_t groups = 1;

  ValueTypes infer(const Inputs& inputs) const;
};

/// torch.nn.Linear over the last axis: weight[out][in].
inline Conv linear() { return {}; }

}  // namespace metalaudio::nn
