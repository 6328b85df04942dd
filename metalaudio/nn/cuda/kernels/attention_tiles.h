#pragma once

#include <metalaudio/nn/cuda/kernels/attention.h>

namespace metalaudio::nn::cuda {

// Each says whether it took the heads; it has no mask, q, k, v and y are aligned to 16 bytes, and
// heads have depth = width = 16, 32, … 128.

/// Of f16 or bf16, on the tensor cores.
template <typename T>
bool launch_attention_half(const T* q, const T* k, const T* v, T* y, const AttentionShape& shape,
                           cudaStream_t stream);
bool launch_attention_f32(const float* q, const float* k, const float* v, float* y,
                          const AttentionShape& shape, cudaStream_t stream);

}  // namespace metalaudio::nn::cuda
