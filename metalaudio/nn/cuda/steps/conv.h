#pragma once

#include <metalaudio/nn/cuda/cuda_step.h>
#include <metalaudio/nn/operations/element_functions.h>

#include <memory>

namespace metalaudio::nn::cuda {

/// What follows a convolution on the way out: the activation, then the gain, then the residual.
/// Results may be float32 where the inputs are of 16 bits.
struct ConvEpilogue {
  Activation activation = Activation::none;
  Value gain = {};      ///< [channels], constant
  Value residual = {};  ///< as the result, repeated along axes of extent 1
};

/// y is the last value of what was fused behind the convolution, transposed or not, of the node.
std::unique_ptr<Step> make_conv(const ConvEpilogue& epilogue, Value y, const Making& making);

}  // namespace metalaudio::nn::cuda
