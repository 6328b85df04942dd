#include <metalaudio/dsp/cuda/fft_kernels.h>
#include <metalaudio/dsp/cuda/frame_samples.cuh>
#include <metalaudio/dsp/cuda/overlap_eighths.cuh>
#include <metalaudio/dsp/cuda/own_transform.cuh>

#include <cuda_pipeline.h>

namespace metalaudio::dsp::cuda {

namespace {

constexpr int kThreads = 256;

/// The sum of the squared windows under a place in the sum of all frames.
__device__ float weight_at(const Overlap& o, std::int64_t at) {
  std::int64_t first = at < o.nfft ? 0 : (at - o.nfft) / o.hop + 1;
  std::int64_t end = at / o.hop + 1;
  if (end > o.frames) end = o.frames;
  float sum = 0;
  for (; first < end; ++first) {
    const float w = __ldg(o.window + (at - first * o.hop));
    sum += w * w;
  }
  return sum;
}

/// What a frame's bins come from, its transform, and the sum of frames, of one tile.
template <int kSize>
struct TileMemory {
  float2 pairs[kPadded<kSize>];
  float2 ring[kSize];
  float2 bins[kSize + 1];
};

/// Adds a frame that begins at `start` to the ring, and takes a hop of it away when it is whole.
template <int kSize>
class OverlapRing {
 public:
  __device__ OverlapRing(const Overlap& overlap, float2* ring)
      : o_(overlap),
        ring_(reinterpret_cast<float*>(ring)),
        hop_(static_cast<int>(overlap.hop)),
        before_((kFrame - 1) / hop_) {
    for (int i = static_cast<int>(threadIdx.x); i < kFrame; i += kWorkers<kSize>) ring_[i] = 0;
  }

  __device__ void add(std::int64_t start, int i, float2 v) {
    const int at = static_cast<int>(start) + 2 * i;
    if (hop_ % 2 == 0) {
      float2& both = *reinterpret_cast<float2*>(ring_ + (at & (kFrame - 1)));
      both = {both.x + v.x, both.y + v.y};
    } else {
      ring_[at & (kFrame - 1)] += v.x;
      ring_[(at + 1) & (kFrame - 1)] += v.y;
    }
  }

  /// `out` is the channel; null where the hop is another tile's.
  __device__ void emit(std::int64_t frame, float* out) {
    const std::int64_t start = frame * hop_;
    const std::int64_t left = o_.pad - start;
    const std::int64_t right = left + o_.samples;
    const std::int64_t end = (o_.frames - 1) * o_.hop + kFrame - start;  // of the sum
    const auto at = static_cast<int>(start);
    const auto thread = static_cast<int>(threadIdx.x);
    const bool inner = frame >= before_ && frame < o_.frames && left <= 0 && right >= hop_;
    if (out != nullptr && inner) {
      float* const to = out - left;
#pragma unroll 4
      for (int i = thread; i < hop_; i += kWorkers<kSize>) {
        float& sum = ring_[(at + i) & (kFrame - 1)];
        to[i] = sum * __ldg(o_.envelope + i);
        sum = 0;
      }
      return;
    }
    for (int i = thread; i < hop_; i += kWorkers<kSize>) {
      float& sum = ring_[(at + i) & (kFrame - 1)];
      if (out != nullptr && i >= left && i < right) {
        out[i - left] = i < end ? sum / weight_in_hop<kFrame>(o_, frame, i) : 0.0F;
      }
      sum = 0;
    }
  }

 private:
  static constexpr int kFrame = 2 * kSize;

  const Overlap& o_;
  float* ring_;
  int hop_;
  int before_;  ///< frames that begin earlier and reach a hop
};

/// A tile of an output: `hops` hops of one channel, each whole when the last of its frames has been
/// added to a ring of one frame. The next frame's bins come while one is transformed.
template <int kSize>
__global__ void __launch_bounds__(kThreadsOf<kSize>, kBlocksOf<kSize>)
    inverse_stft_kernel(const __grid_constant__ Overlap o, const float2* spectra, float* x,
                        unsigned tiles, int hops, const float2* tables) {
  constexpr int kFrame = 2 * kSize;
  extern __shared__ float2 all[];
  auto& memory = reinterpret_cast<TileMemory<kSize>*>(all)[threadIdx.y];
  const unsigned tile = blockIdx.x * kRows<kSize> + threadIdx.y;
  const std::int64_t channel = tile / tiles;
  const bool there = channel < o.channels;
  const auto hop = static_cast<int>(o.hop);
  const int before = (kFrame - 1) / hop;
  const std::int64_t first = static_cast<int>(o.pad) / hop + std::int64_t{tile % tiles} * hops;
  const auto* const synthesis = reinterpret_cast<const float2*>(o.synthesis);
  OverlapRing<kSize> ring(o, memory.ring);
  const auto exists = [&](std::int64_t frame) { return there && frame >= 0 && frame < o.frames; };
  const auto fetch = [&](std::int64_t frame) {
    if (exists(frame)) {
      const float2* const from = spectra + (channel * o.frames + frame) * (kSize + 1);
      for (int k = static_cast<int>(threadIdx.x); k <= kSize; k += kWorkers<kSize>) {
        __pipeline_memcpy_async(memory.bins + k, from + k, sizeof(float2));
      }
    }
    __pipeline_commit();
  };
  fetch(first - before);
  for (int step = -before; step < hops; ++step) {
    const std::int64_t frame = first + step;
    const bool adds = exists(frame);
    __pipeline_wait_prior(0);
    __syncthreads();
    if (adds) put_together<kSize>(memory.pairs, tables, [&](int k) { return memory.bins[k]; });
    __syncthreads();
    if (step + 1 < hops) fetch(frame + 1);
    transform<kSize>(
        tables, memory.pairs, [&](Place i) { return memory.pairs[padded(i)]; },
        [&](Place i, float2 v) {
          constexpr float kScale = 1.0F / kFrame;
          const float2 weight = __ldg(synthesis + i);
          if (adds) ring.add(frame * hop, i, {v.y * kScale * weight.x, v.x * kScale * weight.y});
        });
    __syncthreads();
    ring.emit(frame, there && step >= 0 ? x + channel * o.samples : nullptr);
  }
}

__global__ void cut_frames_kernel(const __grid_constant__ Frames frames, std::int64_t nfft,
                                  std::int64_t first, float* out) {
  const auto row = static_cast<unsigned>(first + blockIdx.x);
  const FrameSamples samples(frames, row, nfft);
  float* const to = out + static_cast<std::int64_t>(blockIdx.x) * nfft;
  for (std::int64_t i = threadIdx.x; i < nfft; i += kThreads) {
    to[i] = samples[i] * frames.window[i];
  }
}

__global__ void add_frames_kernel(const __grid_constant__ Overlap o, const float* frames,
                                  float* x) {
  const std::int64_t total = o.channels * o.samples;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (auto i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < total;
       i += step) {
    const std::int64_t channel = i / o.samples;
    const std::int64_t at = i % o.samples + o.pad;
    if (at >= (o.frames - 1) * o.hop + o.nfft) {
      x[i] = 0;
      continue;
    }
    const float* const all = frames + channel * o.frames * o.nfft;
    std::int64_t frame = at < o.nfft ? 0 : (at - o.nfft) / o.hop + 1;
    std::int64_t end = at / o.hop + 1;
    if (end > o.frames) end = o.frames;
    float sum = 0;
    for (; frame < end; ++frame) {
      const std::int64_t within = at - frame * o.hop;
      sum += all[frame * o.nfft + within] * o.synthesis[within];
    }
    x[i] = sum / weight_at(o, at);
  }
}

template <int kSize>
constexpr std::size_t kOverlapBytes = sizeof(TileMemory<kSize>) * kRows<kSize>;
template <int kSize>
constexpr std::size_t kHopOverlapBytes = sizeof(HopTileMemory<kSize>) * kRows<kSize>;

}  // namespace

std::int64_t inverse_stft_bytes(std::int64_t size) {
  return with_size(size,
                   [&]<int kSize>() { return static_cast<std::int64_t>(kOverlapBytes<kSize>); });
}

cudaError_t allow_inverse_stft(std::int64_t size, int shared) {
  return with_size(size, [&]<int kSize>() {
    if (static_cast<int>(kHopOverlapBytes<kSize>) <= shared) {
      for (const void* kernel :
           {reinterpret_cast<const void*>(inverse_stft_by_eighths_kernel<kSize, 1>),
            reinterpret_cast<const void*>(inverse_stft_by_eighths_kernel<kSize, 2>),
            reinterpret_cast<const void*>(inverse_stft_by_eighths_kernel<kSize, 4>),
            reinterpret_cast<const void*>(inverse_stft_by_eighths_kernel<kSize, 8>)}) {
        const cudaError_t error =
            cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                 static_cast<int>(kHopOverlapBytes<kSize>));
        if (error != cudaSuccess) return error;
      }
    }
    return cudaFuncSetAttribute(inverse_stft_kernel<kSize>,
                                cudaFuncAttributeMaxDynamicSharedMemorySize,
                                static_cast<int>(kOverlapBytes<kSize>));
  });
}

namespace {

/// Which hops blocks take.
struct OverlapTiles {
  /// Tiles as long as leave every processor `blocks` of `rows` tiles: each computes the frames before
  /// it once more, where frames overlap.
  OverlapTiles(const Overlap& overlap, int processors, int blocks, int rows) {
    const std::int64_t first = overlap.pad / overlap.hop;
    const std::int64_t last = (overlap.pad + overlap.samples - 1) / overlap.hop;
    const std::int64_t all = last - first + 1;
    const std::int64_t wanted = static_cast<std::int64_t>(processors) * blocks * rows;
    hops = (all * overlap.channels + wanted - 1) / wanted;
    hops = overlap.hop == overlap.nfft ? 1 : hops < 4 ? 4 : hops > 64 ? 64 : hops;
    tiles = (all + hops - 1) / hops;
    grid = blocks_for(tiles * overlap.channels, rows);
  }

  std::int64_t hops;
  std::int64_t tiles;  ///< of a channel
  unsigned grid;
};

}  // namespace

void inverse_stft(std::int64_t size, const Overlap& overlap, const float2* spectra, float* x,
                  const float2* tables, int processors, int shared, cudaStream_t stream) {
  with_size(size, [&]<int kSize>() {
    const dim3 block(kWorkers<kSize>, kRows<kSize>);
    const bool taken =
        static_cast<int>(kHopOverlapBytes<kSize>) <= shared &&
        with_parts(overlap.nfft, overlap.hop, [&]<int kParts>() {
          const OverlapTiles tiles(overlap, processors, kHopBlocksOf<kSize, kParts>, kRows<kSize>);
          inverse_stft_by_eighths_kernel<kSize, kParts>
              <<<tiles.grid, block, kHopOverlapBytes<kSize>, stream>>>(
                  overlap, spectra, x, tiles.tiles, tiles.hops, tables);
          return true;
        });
    if (taken) return;
    const OverlapTiles tiles(overlap, processors, kBlocksOf<kSize>, kRows<kSize>);
    inverse_stft_kernel<kSize><<<tiles.grid, block, kOverlapBytes<kSize>, stream>>>(
        overlap, spectra, x, tiles.tiles, tiles.hops, tables);
  });
}

void cut_frames(const Frames& frames, std::int64_t nfft, std::int64_t first, std::int64_t count,
                float* out, cudaStream_t stream) {
  cut_frames_kernel<<<static_cast<unsigned>(count), kThreads, 0, stream>>>(frames, nfft, first,
                                                                           out);
}

void add_frames(const Overlap& overlap, const float* frames, float* x, cudaStream_t stream) {
  const std::int64_t total = overlap.channels * overlap.samples;
  const std::int64_t blocks = (total + kThreads - 1) / kThreads;
  add_frames_kernel<<<static_cast<unsigned>(blocks < 65536 ? blocks : 65536), kThreads, 0,
                      stream>>>(overlap, frames, x);
}

}  // namespace metalaudio::dsp::cuda
