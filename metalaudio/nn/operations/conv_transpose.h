#pragma once

#include <metalaudio/nn/operations/inputs.h>
#include <metalaudio/nn/operations/sliding_axis.h>

#include <array>
#include <string_view>
#include <vector>

namespace metalaudio::nn {

/// torch.nn.ConvTranspose1d, 2d, 3d, cropped, over the axes before the channels.
/// Shapes:   x[batch…][axes…][in], weight[out][kernels…][in / groups], bias[out] ->
///           [batch…][extents…][out].
struct ConvTranspose {
  static constexpr std::string_view kName = "conv_transpose";
  static constexpr std::array kInputs{Role::data, Role::weight, Role::optional_weight};
  enum Index { x, weight, bias };

  std::vector<TransposeAxis> axes = {};
  std::int64_t groups = 1;

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
