#include <metalaudio/dsp/cuda/convolution_kernels.h>

namespace metalaudio::dsp::cuda {

namespace {

constexpr int kThreads = 128;

__device__ void add_product(float2& sum, float2 a, float2 b) {
  sum.x = fmaf(a.x, b.x, fmaf(-a.y, b.y, sum.x));
  sum.y = fmaf(a.x, b.y, fmaf(a.y, b.x, sum.y));
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
  // One block has nothing else to do while a load is under way than the next ones.
#pragma unroll(kBlocks == 1 ? 8 : 1)
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

template <int kBlocks>
void launch(const PartitionSums& work, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>((work.bins + kThreads - 1) / kThreads),
                  static_cast<unsigned>(work.channels),
                  static_cast<unsigned>((work.blocks + kBlocks - 1) / kBlocks));
  sum_kernel<kBlocks><<<grid, kThreads, 0, stream>>>(work);
}

}  // namespace

void sum_partitions(const PartitionSums& work, cudaStream_t stream) {
  if (work.blocks == 1) {
    launch<1>(work, stream);
  } else if (work.blocks < 8) {
    launch<4>(work, stream);
  } else {
    launch<8>(work, stream);
  }
}

}  // namespace metalaudio::dsp::cuda
