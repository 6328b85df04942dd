#include <metalaudio/dsp/cuda/convolution_kernels.h>

namespace metalaudio::dsp::cuda {

namespace {

constexpr int kThreads = 128;

__device__ void add_product(float2& sum, float2 a, float2 b) {
  sum.x = fmaf(a.x, b.x, fmaf(-a.y, b.y, sum.x));
  sum.y = fmaf(a.x, b.y, fmaf(a.y, b.x, sum.y));
}

/// A thread does one bin of one block. Loads that no branch parts are under way together.
__global__ void __launch_bounds__(kThreads)
    sum_one_kernel(const __grid_constant__ PartitionSums work) {
  const std::int64_t bin = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (bin >= work.bins) return;
  const std::int64_t channel = blockIdx.y;
  const float2* const inputs = work.inputs + channel * work.slots * work.bins + bin;
  const float2* const filters =
      work.filters + (work.one_filter ? 0 : channel * work.partitions * work.bins) + bin;
  float2 sum{0, 0};
#pragma unroll 8
  for (int p = 0; p < work.partitions; ++p) {
    const int slot = p <= work.first ? work.first - p : work.first - p + work.slots;
    add_product(sum, inputs[slot * work.bins], __ldg(filters + p * work.bins));
  }
  work.sums[channel * work.bins + bin] = sum;
}

/// A thread does one bin of kBlocks blocks: each input and each filter is read once for all of them.
/// Inputs lie in registers that take turns: that of block i - p is kept[(i - p) mod kBlocks].
template <int kBlocks>
__global__ void __launch_bounds__(kThreads) sum_kernel(const __grid_constant__ PartitionSums work) {
  const std::int64_t bin = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (bin >= work.bins) return;
  const std::int64_t channel = blockIdx.y;
  const int first = static_cast<int>(blockIdx.z) * kBlocks;
  const float2* const inputs = work.inputs + channel * work.slots * work.bins + bin;
  const float2* filter =
      work.filters + (work.one_filter ? 0 : channel * work.partitions * work.bins) + bin;
  int slot = (work.first + first) % work.slots;
  float2 sums[kBlocks] = {};
  float2 kept[kBlocks];
#pragma unroll
  for (int i = 0; i < kBlocks; ++i) {
    const int at = slot + i < work.slots ? slot + i : slot + i - work.slots;
    kept[i] = first + i < work.blocks ? inputs[at * work.bins] : float2{0, 0};
  }
  for (int p = 0; p < work.partitions; p += kBlocks) {
#pragma unroll
    for (int q = 0; q < kBlocks; ++q) {
      if (p + q >= work.partitions) break;
      const float2 factor = __ldg(filter);
      filter += work.bins;
#pragma unroll
      for (int i = 0; i < kBlocks; ++i) {
        add_product(sums[i], kept[(i - q + kBlocks) % kBlocks], factor);
      }
      // The newest is done with; the next older one takes its place.
      slot = slot == 0 ? work.slots - 1 : slot - 1;
      if (p + q + 1 < work.partitions) kept[kBlocks - 1 - q] = inputs[slot * work.bins];
    }
  }
#pragma unroll
  for (int i = 0; i < kBlocks; ++i) {
    if (first + i < work.blocks) {
      work.sums[(channel * work.blocks + first + i) * work.bins + bin] = sums[i];
    }
  }
}

dim3 grid_of(const PartitionSums& work, int blocks) {
  return {static_cast<unsigned>((work.bins + kThreads - 1) / kThreads),
          static_cast<unsigned>(work.channels),
          static_cast<unsigned>((work.blocks + blocks - 1) / blocks)};
}

}  // namespace

void sum_partitions(const PartitionSums& work, cudaStream_t stream) {
  if (work.blocks == 1) {
    sum_one_kernel<<<grid_of(work, 1), kThreads, 0, stream>>>(work);
  } else if (work.blocks < 8) {
    sum_kernel<4><<<grid_of(work, 4), kThreads, 0, stream>>>(work);
  } else {
    sum_kernel<8><<<grid_of(work, 8), kThreads, 0, stream>>>(work);
  }
}

}  // namespace metalaudio::dsp::cuda
