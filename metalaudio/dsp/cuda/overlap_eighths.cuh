#pragma once

#include <metalaudio/dsp/cuda/own_transform.cuh>

#include <cuda_pipeline.h>

namespace metalaudio::dsp::cuda {

// Inverse STFTs whose hops are a whole number of eighths of a frame.

/// The sum of the squared windows under sample i of the hop that begins with a frame of kFrame
/// samples.
template <int kFrame>
__device__ float weight_in_hop(const Overlap& o, std::int64_t frame, int i) {
  const int hop = static_cast<int>(o.hop);
  float weight = 0;
  for (int b = (kFrame - 1) / hop; b >= 0; --b) {
    const int within = i + b * hop;
    const bool there = frame >= b && frame - b < o.frames && within < kFrame;
    const float w = there ? __ldg(o.window + within) : 0.0F;
    weight += w * w;
  }
  return weight;
}

/// What a tile needs where hops are a whole number of eighths of a frame.
template <int kSize>
struct HopTileMemory {
  float2 one[kPadded<kSize>];
  float2 other[kPadded<kSize>];
  float2 bins[kSize + 1];
};

/// The sums of frames that overlap take registers, which are worth more than a fourth block.
template <int kSize, int kParts>
constexpr int kHopBlocksOf = kBlocksOf<kSize> == 4 && kParts < 8 ? 3 : kBlocksOf<kSize>;

/// A pair of samples from sample i of a hop on, out of the sum of the frames there, where some of
/// these may be missing or the output may not reach.
template <int kFrame>
__device__ __noinline__ void write_outer_pair(const Overlap& o, std::int64_t frame, int i,
                                              float2 sum, float* out) {
  const std::int64_t at = frame * o.hop - o.pad + i;
  const std::int64_t end = (o.frames - 1) * o.hop + kFrame - frame * o.hop;  // of the sum
  for (int e = 0; e < 2; ++e) {
    if (at + e < 0 || at + e >= o.samples) continue;
    const float value = e == 0 ? sum.x : sum.y;
    out[at + e] = i + e < end ? value / weight_in_hop<kFrame>(o, frame, i + e) : 0.0F;
  }
}

/// inverse_stft_kernel for hops of kParts eighths of a frame: the sum of frames stays with the threads
/// that transform.
template <int kSize, int kParts>
__global__ void __launch_bounds__(kThreadsOf<kSize>, kHopBlocksOf<kSize, kParts>)
    inverse_stft_by_eighths_kernel(const __grid_constant__ Overlap o, const float2* spectra,
                                   float* x, unsigned tiles, int hops, const float2* tables) {
  constexpr int kFrame = 2 * kSize;
  extern __shared__ float2 all[];
  auto& memory = reinterpret_cast<HopTileMemory<kSize>*>(all)[threadIdx.y];
  const unsigned tile = blockIdx.x * kRows<kSize> + threadIdx.y;
  const std::int64_t channel = tile / tiles;
  const bool there = channel < o.channels;
  constexpr int kHop = kParts * kFrame / 8;
  constexpr int kBefore = 8 / kParts - 1;
  const auto thread = static_cast<int>(threadIdx.x);
  const std::int64_t first = static_cast<int>(o.pad) / kHop + std::int64_t{tile % tiles} * hops;
  const auto* const synthesis = reinterpret_cast<const float2*>(o.synthesis) + thread;
  const auto* const envelope = reinterpret_cast<const float2*>(o.envelope) + thread;
  float* const out = x + (there ? channel : 0) * o.samples;
  const bool aligned = (reinterpret_cast<std::uintptr_t>(out - o.pad) & 7U) == 0;
  const auto exists = [&](std::int64_t frame) { return there && frame >= 0 && frame < o.frames; };
  const auto fetch = [&](std::int64_t frame) {
    if (exists(frame)) {
      const float2* const from = spectra + (channel * o.frames + frame) * (kSize + 1) + thread;
#pragma unroll
      for (int k = 0; k < kSize; k += kWorkers<kSize>) {
        __pipeline_memcpy_async(memory.bins + thread + k, from + k, sizeof(float2));
      }
      if (thread == 0) __pipeline_memcpy_async(memory.bins + kSize, from + kSize, sizeof(float2));
    }
    __pipeline_commit();
  };
  FrameSums sums;
  fetch(first - kBefore);
  for (int step = -kBefore; step < hops; ++step) {
    const std::int64_t frame = first + step;
    const bool adds = exists(frame);
    __pipeline_wait_prior(0);
    __syncthreads();
    transform_between<kSize>(
        tables, memory.one, memory.other,
        [&](Place i) { return pair_of<kSize>(i, tables, [&](int k) { return memory.bins[k]; }); },
        [&](int r, float2 v) {
          constexpr float kScale = 1.0F / kFrame;
          if (!adds) return;
          const float2 weight = __ldg(synthesis + r * kWorkers<kSize>);
          sums.at[r].x += v.y * kScale * weight.x;
          sums.at[r].y += v.x * kScale * weight.y;
        },
        [&] {
          if (step + 1 < hops) fetch(frame + 1);
        });
    const std::int64_t at = frame * kHop - o.pad;
    const bool emits = there && step >= 0;
    const bool inner =
        emits && frame >= kBefore && frame < o.frames && at >= 0 && at + kHop <= o.samples;
    float* const to = out + at + 2 * thread;
    sums.advance<kParts>([&](int r, float2 sum) {
      if (inner) {
        const float2 weight = __ldg(envelope + r * kWorkers<kSize>);
        const float2 pair{sum.x * weight.x, sum.y * weight.y};
        if (aligned) {
          reinterpret_cast<float2*>(to)[r * kWorkers<kSize>] = pair;
        } else {
          to[2 * r * kWorkers<kSize>] = pair.x;
          to[2 * r * kWorkers<kSize> + 1] = pair.y;
        }
      } else if (emits) {
        write_outer_pair<kFrame>(o, frame, 2 * (thread + r * kWorkers<kSize>), sum, out);
      }
    });
  }
}

/// Calls f.operator()<parts>() for hops of 1, 2, 4 or 8 eighths of a frame, of which there are kernels;
/// false for others.
template <typename F>
bool with_parts(std::int64_t frame, std::int64_t hop, const F& f) {
  if (8 * hop == frame) return f.template operator()<1>();
  if (4 * hop == frame) return f.template operator()<2>();
  if (2 * hop == frame) return f.template operator()<4>();
  return hop == frame && f.template operator()<8>();
}

}  // namespace metalaudio::dsp::cuda
