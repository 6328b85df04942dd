#pragma once

#include <metalaudio/nn/layers/conv_layer.h>

namespace metalaudio::nn::layers {

struct ConvTranspose1dOptions {
  std::int64_t in_channels = 1;
  std::int64_t out_channels = 1;
  std::int64_t kernel_size = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  std::int64_t output_padding = 0;
  std::int64_t dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
  bool causal = false;  ///< the first stride · frames of the result
};

/// torch.nn.ConvTranspose1d. A causal one equals conv(x)[..., :stride * frames] and can be
/// streamed.
/// Shapes:   [batch][frames][in] -> [batch][frames'][out]; weight[in][out / groups][kernel_size].
/// Threads:  as Layer.
class ConvTranspose1d final : public ConvTransposeLayer {
 public:
  explicit ConvTranspose1d(const ConvTranspose1dOptions& o)
      : ConvTransposeLayer({"ConvTranspose1d",
                            o.in_channels,
                            o.out_channels,
                            {o.kernel_size},
                            {o.stride},
                            {o.padding},
                            {o.output_padding},
                            {o.dilation},
                            o.groups,
                            o.bias,
                            PadMode::constant,
                            o.causal}) {}
};

}  // namespace metalaudio::nn::layers
