#pragma once

#include <cstddef>

namespace metalaudio::nn::cpu {

/// Positions of a convolution with one group whose windows lie wholly inside the input:
/// y[p · outputs + o] = bias[o] + Σ_k Σ_c x[(p · stride + k · dilation) · channels + c] ·
/// w[o][k][c].
struct NarrowConv {
  const float* x;
  const float* weights;
  const float* bias;
  float* y;
  std::size_t positions;
  std::size_t channels;
  std::size_t outputs;
  std::size_t taps;
  std::size_t stride;
  std::size_t dilation;
};

/// One vector of positions, or one position, at a time.
void narrow_conv_basic(const NarrowConv& conv);
/// Four of them at a time, so that a weight is read once for all four.
void narrow_conv_tiled(const NarrowConv& conv);

}  // namespace metalaudio::nn::cpu
