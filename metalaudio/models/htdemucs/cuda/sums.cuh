#pragma once

namespace metalaudio::models::cuda {

/// The sum over the threads of a block of whole warps, for thread 0, always in the same order.
__device__ inline double2 block_sum(double2 sum) {
  __shared__ double2 warps[32];
  const int thread = static_cast<int>(threadIdx.x);
  for (int lane = 16; lane > 0; lane /= 2) {
    sum.x += __shfl_xor_sync(0xFFFFFFFFU, sum.x, lane);
    sum.y += __shfl_xor_sync(0xFFFFFFFFU, sum.y, lane);
  }
  if (thread % 32 == 0) warps[thread / 32] = sum;
  __syncthreads();
  if (thread == 0) {
    for (int warp = 1; warp < static_cast<int>(blockDim.x) / 32; ++warp) {
      sum.x += warps[warp].x;
      sum.y += warps[warp].y;
    }
  }
  return sum;
}

__device__ inline void add_to(double2& sum, float value) {
  const double wide = value;
  sum.x += wide;
  sum.y += wide * wide;
}

}  // namespace metalaudio::models::cuda
