#pragma once

#include <metalaudio/nn/cuda/kernels/walk.h>
#include <metalaudio/nn/cuda/kernels/common.cuh>

#include <limits>

namespace metalaudio::nn::cuda {

/// The indices of a thread in a loop over `count` items by the whole grid:
/// for (auto i = first_item<Index>(); i < count; i += item_step<Index>()).
template <typename Index = std::int64_t>
__device__ __forceinline__ Index first_item() {
  return static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x;
}
template <typename Index = std::int64_t>
__device__ __forceinline__ Index item_step() {
  return static_cast<Index>(gridDim.x) * blockDim.x;
}

/// Where element i of the walk lies in each array.
template <typename Index, int N>
__device__ __forceinline__ void offsets_at(const Walk<N>& walk, Index i, std::int64_t (&at)[N]) {
#pragma unroll
  for (int n = 0; n < N; ++n) at[n] = 0;
  for (int axis = walk.axes - 1; axis > 0; --axis) {
    const auto extent = static_cast<Index>(walk.extents[axis]);
    const Index rest = i / extent;
    const auto index = static_cast<std::int64_t>(i - rest * extent);
    i = rest;
#pragma unroll
    for (int n = 0; n < N; ++n) at[n] += index * walk.steps[n][axis];
  }
#pragma unroll
  for (int n = 0; n < N; ++n) at[n] += static_cast<std::int64_t>(i) * walk.steps[n][0];
}

/// Calls f with a number of the type that indices fit: divisions of 64 bits are slow.
template <typename F>
void visit_index(std::int64_t size, F&& f) {
  // A thread's index goes one step of the grid past the end.
  if (size < (std::int64_t{1} << 31)) {
    f(std::uint32_t{});
  } else {
    f(std::int64_t{});
  }
}

}  // namespace metalaudio::nn::cuda
