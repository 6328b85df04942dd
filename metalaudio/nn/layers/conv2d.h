#pragma once

#include <metalaudio/nn/layers/conv_layer.h>

#include <array>

namespace metalaudio::nn::layers {

struct Conv2dOptions {
  std::int64_t in_channels = 1;
  std::int64_t out_channels = 1;
  std::array<std::int64_t, 2> kernel_size{1, 1};
  std::array<std::int64_t, 2> stride{1, 1};
  std::array<std::int64_t, 2> padding{0, 0};
  std::array<std::int64_t, 2> dilation{1, 1};
  std::int64_t groups = 1;
  bool bias = true;
  PadMode padding_mode = PadMode::constant;
  bool causal = false;  ///< along the rows
};

/// torch.nn.Conv2d. A causal one takes its rows for time, as Conv1d its frames.
/// Shapes:   [batch][rows][columns][in] -> [batch][rows'][columns'][out];
///           weight[out][in / groups][kernel rows][kernel columns].
/// Threads:  as Layer.
class Conv2d final : public ConvLayer {
 public:
  explicit Conv2d(const Conv2dOptions& o)
      : ConvLayer({"Conv2d",
                   o.in_channels,
                   o.out_channels,
                   {o.kernel_size[0], o.kernel_size[1]},
                   {o.stride[0], o.stride[1]},
                   {o.padding[0], o.padding[1]},
                   {0, 0},
                   {o.dilation[0], o.dilation[1]},
                   o.groups,
                   o.bias,
                   o.padding_mode,
                   o.causal}) {}
};

}  // namespace metalaudio::nn::layers
