#pragma once

#include <metalaudio/nn/layers/conv_layer.h>

#include <array>

namespace metalaudio::nn::layers {

struct ConvTranspose2dOptions {
  std::int64_t in_channels = 1;
  std::int64_t out_channels = 1;
  std::array<std::int64_t, 2> kernel_size{1, 1};
  std::array<std::int64_t, 2> stride{1, 1};
  std::array<std::int64_t, 2> padding{0, 0};
  std::array<std::int64_t, 2> output_padding{0, 0};
  std::array<std::int64_t, 2> dilation{1, 1};
  std::int64_t groups = 1;
  bool bias = true;
  bool causal = false;  ///< along the rows
};

/// torch.nn.ConvTranspose2d. A causal one takes its rows for time, as ConvTranspose1d its frames.
/// Shapes:   [batch][rows][columns][in] -> [batch][rows'][columns'][out];
///           weight[in][out / groups][kernel rows][kernel columns].
/// Threads:  as Layer.
class ConvTranspose2d final : public ConvTransposeLayer {
 public:
  explicit ConvTranspose2d(const ConvTranspose2dOptions& o)
      : ConvTransposeLayer({"ConvTranspose2d",
                            o.in_channels,
                            o.out_channels,
                            {o.kernel_size[0], o.kernel_size[1]},
                            {o.stride[0], o.stride[1]},
                            {o.padding[0], o.padding[1]},
                            {o.output_padding[0], o.output_padding[1]},
                            {o.dilation[0], o.dilation[1]},
                            o.groups,
                            o.bias,
                            PadMode::constant,
                            o.causal}) {}
};

}  // namespace metalaudio::nn::layers
