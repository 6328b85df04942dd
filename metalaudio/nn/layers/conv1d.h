#pragma once

#include <metalaudio/nn/layers/conv_layer.h>

namespace metalaudio::nn::layers {

struct Conv1dOptions {
  std::int64_t in_channels = 1;
  std::int64_t out_channels = 1;
  std::int64_t kernel_size = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;  ///< on either side; of a causal one before the first frame alone
  std::int64_t dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
  PadMode padding_mode = PadMode::constant;  ///< zeros; reflect; edge (replicate); wrap (circular)
  bool causal = false;                       ///< no frame needs a later one
};

/// torch.nn.Conv1d. A causal one equals conv(F.pad(x, (padding, 0))), where kSame means
/// dilation · (kernel_size − 1), and can be streamed in blocks that are multiples of the stride.
/// Shapes:   [batch][frames][in] -> [batch][frames'][out]; weight[out][in / groups][kernel_size].
/// Threads:  as Layer.
class Conv1d final : public ConvLayer {
 public:
  explicit Conv1d(const Conv1dOptions& o)
      : ConvLayer({"Conv1d",
                   o.in_channels,
                   o.out_channels,
                   {o.kernel_size},
                   {o.stride},
                   {o.padding},
                   {0},
                   {o.dilation},
                   o.groups,
                   o.bias,
                   o.padding_mode,
                   o.causal}) {}
};

}  // namespace metalaudio::nn::layers
