#pragma once

#include <metalaudio/nn/cuda/kernels/attention.h>
#include <metalaudio/nn/cuda/kernels/conv.h>
#include <metalaudio/nn/cuda/kernels/common.cuh>

namespace metalaudio::nn::cuda {

// Each says whether it took the heads; there is no mask, q, k, v and y are aligned to 16 bytes, and
// heads have depth = width = 16, 32, … 128.

/// On the tensor cores: of f16, bf16, tf32, which reads float32, or f32, which splits it.
template <Product P, typename T>
bool launch_attention_tensor(const T* q, const T* k, const T* v, T* y, const AttentionShape& shape,
                             cudaStream_t stream);
extern template bool launch_attention_tensor<Product::f16>(const Half* q, const Half* k,
                                                           const Half* v, Half* y,
                                                           const AttentionShape& shape,
                                                           cudaStream_t stream);
extern template bool launch_attention_tensor<Product::bf16>(const Bfloat* q, const Bfloat* k,
                                                            const Bfloat* v, Bfloat* y,
                                                            const AttentionShape& shape,
                                                            cudaStream_t stream);
extern template bool launch_attention_tensor<Product::tf32>(const float* q, const float* k,
                                                            const float* v, float* y,
                                                            const AttentionShape& shape,
                                                            cudaStream_t stream);
extern template bool launch_attention_tensor<Product::f32>(const float* q, const float* k,
                                                           const float* v, float* y,
                                                           const AttentionShape& shape,
                                                           cudaStream_t stream);
/// On the ordinary units.
bool launch_attention_f32(const float* q, const float* k, const float* v, float* y,
                          const AttentionShape& shape, cudaStream_t stream);

}  // namespace metalaudio::nn::cuda
