#include <metalaudio/core/cuda/power_of_two.h>
#include <metalaudio/models/htdemucs/cuda/frame_kernels.h>
#include <metalaudio/dsp/cuda/transform.cuh>

#include <cuda_pipeline.h>

#include <algorithm>

#include "lanes.cuh"

namespace metalaudio::models::cuda {

using dsp::cuda::FrameSums;
using dsp::cuda::kBlock;
using dsp::cuda::kWorkers;
using dsp::cuda::padded;
using dsp::cuda::Place;
using dsp::cuda::transform_between;
using metalaudio::cuda::with_power_of_two;

namespace {

/// Hops of a block: enough that the three frames before them, which are transformed once more, count
/// little, but few where blocks are few.
constexpr std::int64_t kMostHops = 24;
constexpr std::int64_t kLeastHops = 6;
constexpr std::int64_t kEnoughBlocks = 512;

/// The buffers of a transform, and the bins of the next frame, of both outputs.
template <int kSize>
struct StemMemory {
  float4 bins[kSize / 2];
  float2 one[padded(kSize)];
  float2 other[padded(kSize)];
};

/// Blocks of a multiprocessor that registers are to be left for; the smallest need few in any case.
template <int kSize>
constexpr int kBlocks = kSize > 4096    ? 1
                        : kSize >= 1024 ? 1024 / kBlock<kSize>
                                        : 8;

/// A block takes some hops of one output, or of two, and keeps the sum of frames in its threads. As
/// upstream counts, frame f begins with hop f + 2, and the segment three hops and a half after the
/// first hop's beginning.
template <int kSize, bool kTwo>
__global__ void __launch_bounds__(kBlock<kSize>, kBlocks<kSize>)
    write_stems_kernel(const __grid_constant__ FrameSizes sizes, const float2* spectrogram,
                       const float* window, const float2* twiddles, const float* envelope,
                       const float* waveform, const SegmentMoments* moments, int hops,
                       float* stems) {
  constexpr int kHop = kSize / 4;
  extern __shared__ float4 all[];
  auto& memory = *reinterpret_cast<StemMemory<kSize>*>(all);
  auto* const single = reinterpret_cast<float2*>(memory.bins);
  const int lane_count = static_cast<int>(lanes(sizes.outputs));
  const int tile = static_cast<int>(blockIdx.x) / lane_count;
  const int lane = static_cast<int>(blockIdx.x) - tile * lane_count;
  const int output = kTwo ? 2 * lane : lane;
  const int outputs = static_cast<int>(sizes.outputs);
  const int frames = static_cast<int>(sizes.frames);
  const int samples = static_cast<int>(sizes.segment);
  const int thread = static_cast<int>(threadIdx.x);
  const float2 moments_of_bins = moments[blockIdx.y].spectrogram;
  const float2 moments_of_samples = moments[blockIdx.y].samples;
  const float2* const from =
      spectrogram + blockIdx.y * sizes.rows() * sizes.frames * sizes.outputs + output;
  const float* const branch = waveform + blockIdx.y * sizes.segment * sizes.outputs + output;
  float* const out = stems + (blockIdx.y * sizes.outputs + output) * sizes.segment;

  const auto exists = [&](int hop) { return hop >= 2 && hop < frames + 2; };
  const std::int64_t stride = static_cast<std::int64_t>(frames) * outputs;
  const float2* const column = from + thread * stride;
  const auto fetch = [&](int hop) {
    if (exists(hop)) {
      const float2* bins = column + (hop - 2) * outputs;
#pragma unroll
      for (int k = 0; k < kSize / 2; k += kBlock<kSize>) {
        if constexpr (kTwo) {
          __pipeline_memcpy_async(memory.bins + thread + k, bins, sizeof(float4));
        } else {
          __pipeline_memcpy_async(single + thread + k, bins, sizeof(float2));
        }
        bins += kBlock<kSize> * stride;
      }
    }
    __pipeline_commit();
  };
  // Real parts and imaginary parts change places, so that a forward transform is the inverse one.
  const auto bin = [&](Place i) {
    const bool lower = i.step < kSize / 2;
    if (i.step == kSize / 2 && i.base == 0) return float2{0, 0};
    const int k = lower ? i.base + i.step : kSize - i.step - i.base;
    const auto scaled = [&](float x) { return x * moments_of_bins.y + moments_of_bins.x; };
    float2 a;
    float2 b{0, 0};
    if constexpr (kTwo) {
      const float4 v = memory.bins[k];
      a = {scaled(v.x), scaled(v.y)};
      b = {scaled(v.z), scaled(v.w)};
    } else {
      a = {scaled(single[k].x), scaled(single[k].y)};
    }
    if (i.step == 0 && i.base == 0) return float2{b.x, a.x};
    return lower ? float2{a.y + b.x, a.x - b.y} : float2{b.x - a.y, a.x + b.y};
  };

  FrameSums sums;
  const int first = 3 + tile * hops;
  fetch(first - 3);
  for (int hop = first - 3; hop < first + hops; ++hop) {
    const bool adds = exists(hop);
    __pipeline_wait_prior(0);
    __syncthreads();
    transform_between<kSize>(
        twiddles, memory.one, memory.other, bin,
        [&](int r, float2 v) {
          if (!adds) return;
          const float weight = __ldg(window + thread + r * kWorkers<kSize>) * (1.0F / kSize);
          sums.at[r].x += v.y * weight;
          sums.at[r].y += v.x * weight;
        },
        [&] {
          if (hop + 1 < first + hops) fetch(hop + 1);
        });
    if (hop < first) {
      sums.advance<2>([](int, float2) {});
      continue;
    }
    const int place = hop * kHop + thread - kHop / 2 * 7;
    sums.advance<2>([&](int r, float2 sum) {
      const int sample = place + r * kWorkers<kSize>;
      if (thread >= kWorkers<kSize> || sample < 0 || sample >= samples) return;
      const float* const added = branch + static_cast<std::int64_t>(sample) * outputs;
      const float weight = __ldg(envelope + thread + r * kWorkers<kSize>);
      const auto stem = [&](float value, float other) {
        return value * weight + (other * moments_of_samples.y + moments_of_samples.x);
      };
      if constexpr (kTwo) {
        const float2 both = *reinterpret_cast<const float2*>(added);
        out[sample] = stem(sum.x, both.x);
        out[samples + sample] = stem(sum.y, both.y);
      } else {
        out[sample] = stem(sum.x, *added);
      }
    });
  }
}

/// Calls f(kernel) with the kernel for these sizes.
template <int kSize, typename F>
auto with_kernel(std::int64_t outputs, const F& f) {
  return paired(outputs) ? f(write_stems_kernel<kSize, true>) : f(write_stems_kernel<kSize, false>);
}

}  // namespace

std::int64_t stems_shared_bytes(std::int64_t nfft) {
  return with_power_of_two<kSmallestTransform>(
      nfft, [&]<int kSize>() { return static_cast<std::int64_t>(sizeof(StemMemory<kSize>)); });
}

cudaError_t allow_stems(const FrameSizes& sizes) {
  return with_power_of_two<kSmallestTransform>(sizes.nfft, [&]<int kSize>() {
    return with_kernel<kSize>(sizes.outputs, [&](auto* kernel) {
      return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                  static_cast<int>(sizeof(StemMemory<kSize>)));
    });
  });
}

void write_stems(const FrameSizes& sizes, const float* spectrogram, const float* window,
                 const float2* twiddles, const float* envelope, const float* waveform,
                 const SegmentMoments* moments, float* stems, cudaStream_t stream) {
  // The last sample lies in this hop, and the first one in hop 3.
  const std::int64_t last = (sizes.segment - 1 + sizes.hop() / 2 * 7) / sizes.hop();
  const std::int64_t all = last - 2;
  const std::int64_t lane_count = lanes(sizes.outputs);
  const std::int64_t hops =
      std::clamp(all * lane_count * sizes.batch / kEnoughBlocks, kLeastHops, kMostHops);
  const std::int64_t tiles = (all + hops - 1) / hops;
  const dim3 grid(static_cast<unsigned>(tiles * lane_count), static_cast<unsigned>(sizes.batch));
  with_power_of_two<kSmallestTransform>(sizes.nfft, [&]<int kSize>() {
    with_kernel<kSize>(sizes.outputs, [&](auto* kernel) {
      kernel<<<grid, kBlock<kSize>, sizeof(StemMemory<kSize>), stream>>>(
          sizes, reinterpret_cast<const float2*>(spectrogram), window, twiddles, envelope, waveform,
          moments, static_cast<int>(hops), stems);
    });
  });
}

}  // namespace metalaudio::models::cuda
