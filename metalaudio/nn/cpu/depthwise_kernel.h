#pragma once

#include <metalaudio/nn/cpu/gemm/gemm.h>

namespace metalaudio::nn::cpu {

/// out[r][c] = bias[c] + Σ_tap x_tap[r][c] · weights[weight_row][c] for `rows` dense rows of
/// `channels`. Rows of the weights, and the bias, are `padded` floats apart, a multiple of
/// depthwise_lanes().
void depthwise(std::span<const GemmTap> taps, std::size_t rows, std::size_t channels,
               const float* weights, std::size_t padded, const float* bias, float* out);
std::size_t depthwise_lanes();

}  // namespace metalaudio::nn::cpu
