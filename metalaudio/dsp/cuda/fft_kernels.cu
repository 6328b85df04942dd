#include <metalaudio/dsp/cuda/fft_kernels.h>
#include <metalaudio/dsp/cuda/frame_samples.cuh>
#include <metalaudio/dsp/cuda/own_transform.cuh>

namespace metalaudio::dsp::cuda {

namespace {

constexpr int kThreads = 256;

template <int kSize, bool kWindowed>
__global__ void __launch_bounds__(kThreadsOf<kSize>, kBlocksOf<kSize>)
    forward_real_kernel(const __grid_constant__ Frames frames,
                        const __grid_constant__ SpectrumSlots to, const float2* tables) {
  extern __shared__ float2 all[];
  float2* const shared = all + threadIdx.y * kPadded<kSize>;
  const unsigned row = blockIdx.x * kRows<kSize> + threadIdx.y;
  const bool there = row < frames.rows;
  const FrameSamples samples(frames, there ? row : 0, 2 * kSize);
  const float2* from = samples.pairs();
  if (from == nullptr) {
    // Samples from elsewhere are gathered, so that all loads of the transform are alike.
    auto* const gathered = reinterpret_cast<float*>(shared);
    for (int i = static_cast<int>(threadIdx.x); i < 2 * kSize; i += kWorkers<kSize>) {
      gathered[i] = samples[i];
    }
    from = shared;
  }
  __syncthreads();
  const auto* const window = reinterpret_cast<const float2*>(frames.window);
  transform<kSize>(
      tables, shared,
      [&](Place i) {
        const float2 v = from[i];
        if constexpr (!kWindowed) return v;
        const float2 weight = __ldg(window + i);
        return float2{v.x * weight.x, v.y * weight.y};
      },
      [&](Place i, float2 v) { shared[padded(i)] = v; });
  __syncthreads();
  if (!there) return;
  const std::int64_t channel = row / frames.frames;
  const unsigned slot = (to.first + row % frames.frames) % to.slots;
  float2* const bins = to.spectra + (channel * to.slots + slot) * (kSize + 1);
  take_apart<kSize>(shared, tables, [&](int k, float2 v) { bins[k] = v; });
}

template <int kSize>
__global__ void __launch_bounds__(kThreadsOf<kSize>, kBlocksOf<kSize>)
    inverse_real_kernel(const float2* spectra, const __grid_constant__ SampleBlocks to, float scale,
                        const float2* tables) {
  extern __shared__ float2 all[];
  float2* const shared = all + threadIdx.y * kPadded<kSize>;
  const unsigned row = blockIdx.x * kRows<kSize> + threadIdx.y;
  const bool there = row < to.rows;
  if (there) {
    const float2* const bins = spectra + std::int64_t{row} * (kSize + 1);
    put_together<kSize>(shared, tables, [&](int k) { return bins[k]; });
  }
  __syncthreads();
  const std::int64_t channel = row / to.frames;
  const std::int64_t start = (to.first + row % to.frames) * (2 * kSize - to.skip) - to.skip;
  float* const out = to.x + channel * to.samples + start;
  const std::int64_t rest = to.samples - start;
  const int end = !there ? 0 : rest < 2 * kSize ? static_cast<int>(rest) : 2 * kSize;
  const bool paired = end % 2 == 0 && (reinterpret_cast<std::uintptr_t>(out) & 7U) == 0;
  transform<kSize>(
      tables, shared, [&](Place i) { return shared[padded(i)]; },
      [&](Place i, float2 v) {
        const float2 pair{v.y * scale, v.x * scale};
        if (2 * i < to.skip || 2 * i >= end) return;
        if (paired) {
          reinterpret_cast<float2*>(out)[i] = pair;
        } else {
          out[2 * i] = pair.x;
          if (2 * i + 1 < end) out[2 * i + 1] = pair.y;
        }
      });
}

template <int kSize, bool kInverse>
__global__ void __launch_bounds__(kThreadsOf<kSize>, kBlocksOf<kSize>)
    complex_kernel(const float2* x, float2* out, unsigned count, const float2* tables) {
  extern __shared__ float2 all[];
  float2* const shared = all + threadIdx.y * kPadded<kSize>;
  const unsigned row = blockIdx.x * kRows<kSize> + threadIdx.y;
  const bool there = row < count;
  const float2* const from = x + std::int64_t{row} * kSize;
  float2* const to = out + std::int64_t{row} * kSize;
  constexpr float kScale = 1.0F / kSize;
  transform<kSize>(
      tables, shared,
      [&](Place i) {
        if (!there) return float2{0, 0};
        const float2 v = from[i];
        return kInverse ? float2{v.y, v.x} : v;
      },
      [&](Place i, float2 v) {
        if (there) to[i] = kInverse ? float2{v.y * kScale, v.x * kScale} : v;
      });
}

__global__ void scale_spectra_kernel(const float2* spectra, float2* out, std::int64_t total,
                                     std::int64_t size, float scale) {
  const std::int64_t bins = size / 2 + 1;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (auto i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < total;
       i += step) {
    const std::int64_t k = i % bins;
    const float2 v = spectra[i];
    const bool real = k == 0 || 2 * k == size;
    out[i] = {v.x * scale, real ? 0.0F : v.y * scale};
  }
}

__global__ void scale_values_kernel(float* values, std::int64_t count, float scale) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (auto i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < count;
       i += step) {
    values[i] *= scale;
  }
}

/// The grid of a loop over values.
unsigned loop_blocks(std::int64_t count) {
  const std::int64_t blocks = (count + kThreads - 1) / kThreads;
  return static_cast<unsigned>(blocks < 65536 ? blocks : 65536);
}

template <int kSize>
constexpr std::size_t kSharedBytes = sizeof(float2) * kPadded<kSize>* kRows<kSize>;

}  // namespace

std::int64_t transform_bytes(std::int64_t size) {
  return with_size(size,
                   [&]<int kSize>() { return static_cast<std::int64_t>(kSharedBytes<kSize>); });
}

cudaError_t allow_transforms(std::int64_t size) {
  return with_size(size, [&]<int kSize>() {
    const auto allow = [](const void* kernel) {
      return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                  static_cast<int>(kSharedBytes<kSize>));
    };
    for (const void* kernel : {reinterpret_cast<const void*>(forward_real_kernel<kSize, false>),
                               reinterpret_cast<const void*>(forward_real_kernel<kSize, true>),
                               reinterpret_cast<const void*>(inverse_real_kernel<kSize>),
                               reinterpret_cast<const void*>(complex_kernel<kSize, false>),
                               reinterpret_cast<const void*>(complex_kernel<kSize, true>)}) {
      const cudaError_t error = allow(kernel);
      if (error != cudaSuccess) return error;
    }
    return cudaSuccess;
  });
}

void forward_real(std::int64_t size, const Frames& frames, const SpectrumSlots& to,
                  const float2* tables, cudaStream_t stream) {
  with_size(size, [&]<int kSize>() {
    const dim3 block(kWorkers<kSize>, kRows<kSize>);
    const auto kernel = frames.window != nullptr ? forward_real_kernel<kSize, true>
                                                 : forward_real_kernel<kSize, false>;
    kernel<<<blocks_for(frames.rows, kRows<kSize>), block, kSharedBytes<kSize>, stream>>>(
        frames, to, tables);
  });
}

void inverse_real(std::int64_t size, const float2* spectra, const SampleBlocks& to, float scale,
                  const float2* tables, cudaStream_t stream) {
  with_size(size, [&]<int kSize>() {
    const dim3 block(kWorkers<kSize>, kRows<kSize>);
    inverse_real_kernel<kSize>
        <<<blocks_for(to.rows, kRows<kSize>), block, kSharedBytes<kSize>, stream>>>(spectra, to,
                                                                                    scale, tables);
  });
}

void transform_complex(std::int64_t size, bool inverse, const float2* x, float2* out,
                       unsigned count, const float2* tables, cudaStream_t stream) {
  with_size(size, [&]<int kSize>() {
    const dim3 block(kWorkers<kSize>, kRows<kSize>);
    const unsigned blocks = blocks_for(count, kRows<kSize>);
    if (inverse) {
      complex_kernel<kSize, true>
          <<<blocks, block, kSharedBytes<kSize>, stream>>>(x, out, count, tables);
    } else {
      complex_kernel<kSize, false>
          <<<blocks, block, kSharedBytes<kSize>, stream>>>(x, out, count, tables);
    }
  });
}

void scale_spectra(const float2* spectra, float2* out, std::int64_t count, std::int64_t size,
                   float scale, cudaStream_t stream) {
  const std::int64_t total = count * (size / 2 + 1);
  scale_spectra_kernel<<<loop_blocks(total), kThreads, 0, stream>>>(spectra, out, total, size,
                                                                    scale);
}

void scale_values(float* values, std::int64_t count, float scale, cudaStream_t stream) {
  scale_values_kernel<<<loop_blocks(count), kThreads, 0, stream>>>(values, count, scale);
}

}  // namespace metalaudio::dsp::cuda
