#pragma once

#include <metalaudio/core/tensor.h>

#include <cstdint>

namespace metalaudio::nn::layers {

/// PyTorch's ConvNd weight[out][in / groups][kernel…] in the engine's order [out][kernel…][in /
/// groups].
Tensor channels_last(const Tensor& weight);

/// PyTorch's ConvTransposeNd weight[in][out / groups][kernel…] in the engine's order
/// [out][kernel…][in / groups].
Tensor transposed_channels_last(const Tensor& weight, std::int64_t groups);

}  // namespace metalaudio::nn::layers
