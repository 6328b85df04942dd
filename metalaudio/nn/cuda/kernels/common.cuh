#pragma once

#include <metalaudio/core/data_type.h>

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

namespace metalaudio::nn::cuda {

using Half = __half;
using Bfloat = __nv_bfloat16;

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(Half x) { return __half2float(x); }
__device__ __forceinline__ float to_float(Bfloat x) { return __bfloat162float(x); }

template <typename T>
__device__ __forceinline__ T from_float(float x) {
  if constexpr (sizeof(T) == 4) {
    return x;
  } else if constexpr (std::is_same_v<T, Half>) {
    return __float2half_rn(x);
  } else {
    return __float2bfloat16_rn(x);
  }
}

/// Calls f with a value of the device's type for f32, f16 or bf16.
template <typename F>
void visit_real(DataType type, F&& f) {
  if (type == DataType::f16) {
    f(Half{});
  } else if (type == DataType::bf16) {
    f(Bfloat{});
  } else {
    f(float{});
  }
}

/// W elements that are read or written at once; their address is aligned to all of them.
template <typename T, int W>
struct alignas(sizeof(T) * W) Vector {
  T at[W];
};

constexpr int kThreads = 256;

/// As many blocks as one wave of a large GPU takes twice over; kernels loop over the rest.
inline unsigned grid_of(std::int64_t items, int per_block = kThreads) {
  const std::int64_t blocks = (items + per_block - 1) / per_block;
  return static_cast<unsigned>(blocks < 1 ? 1 : blocks > 4096 ? 4096 : blocks);
}

/// Multiprocessors of the device that launches go to.
inline int processors() {
  int device = 0;
  int count = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device);
  return count;
}

inline bool is_aligned(const void* pointer, std::size_t bytes = 16) {
  return reinterpret_cast<std::uintptr_t>(pointer) % bytes == 0;
}

/// The sum over a block of at most 1024 threads, in a fixed order, known to every thread.
template <typename T>
__device__ T block_sum(T value, T* shared) {
  for (int step = 16; step > 0; step /= 2) value += __shfl_down_sync(0xffffffffU, value, step);
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int warps = (static_cast<int>(blockDim.x) + 31) / 32;
  __syncthreads();
  if (threadIdx.x % 32 == 0) shared[warp] = value;
  __syncthreads();
  T sum = 0;
  for (int i = 0; i < warps; ++i) sum += shared[i];
  return sum;
}

}  // namespace metalaudio::nn::cuda
