#pragma once

#include <metalaudio/nn/cuda/kernels/attention.h>
#include <metalaudio/nn/cuda/kernels/conv.h>
#include <metalaudio/nn/cuda/kernels/device_limits.h>
#include <metalaudio/nn/cuda/kernels/common.cuh>

namespace metalaudio::nn::cuda {

// Each says whether it took the heads; there is no mask, q, k, v and y are aligned to 16 bytes, and
// heads have depth = width = 16, 32, … 128.

/// Whether the device has so much shared memory for a block; the deepest heads may take more.
template <typename Kernel>
bool allow_shared(Kernel* kernel, int bytes) {
  return bytes <= current_limits().shared_bytes &&
         cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes) ==
             cudaSuccess;
}

/// Whether blocks of 128 queries fill the device.
inline bool enough_blocks_of_128(const AttentionShape& shape) {
  const std::int64_t blocks = (shape.queries.tokens + 127) / 128 * shape.batches * shape.heads;
  return blocks >= 2 * processors();
}

/// f<Depth>() for the depths that have tiles; false for others.
template <typename F>
bool with_depth(int depth, F&& f) {
  switch (depth) {
    case 16:
      return f.template operator()<16>();
    case 32:
      return f.template operator()<32>();
    case 48:
      return f.template operator()<48>();
    case 64:
      return f.template operator()<64>();
    case 80:
      return f.template operator()<80>();
    case 96:
      return f.template operator()<96>();
    case 112:
      return f.template operator()<112>();
    case 128:
      return f.template operator()<128>();
    default:
      return false;
  }
}

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
