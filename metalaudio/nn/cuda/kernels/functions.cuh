#pragma once

#include <metalaudio/nn/operations/element_functions.h>

#include <cuda_runtime.h>

namespace metalaudio::nn::cuda {

__device__ __forceinline__ float sigmoid(float x) { return 1.0F / (1.0F + expf(-x)); }

__device__ __forceinline__ float gelu(float x) {
  return 0.5F * x * (1.0F + erff(x * 0.70710678118654752F));
}

/// What stands behind a product; glu is not one of them, since it takes two values.
__device__ __forceinline__ float activate(Activation activation, float x) {
  switch (activation) {
    case Activation::gelu:
      return gelu(x);
    case Activation::gelu_tanh:
      return 0.5F * x * (1.0F + tanhf(0.79788456080286536F * (x + 0.044715F * x * x * x)));
    case Activation::relu:
      return fmaxf(x, 0.0F);
    case Activation::sigmoid:
      return sigmoid(x);
    case Activation::tanh:
      return tanhf(x);
    case Activation::silu:
      return x * sigmoid(x);
    default:
      return x;
  }
}

}  // namespace metalaudio::nn::cuda
