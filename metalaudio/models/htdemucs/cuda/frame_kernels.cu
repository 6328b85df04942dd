#include <metalaudio/core/cuda/power_of_two.h>
#include <metalaudio/models/htdemucs/cuda/frame_kernels.h>
#include <metalaudio/dsp/cuda/transform.cuh>

#include "lanes.cuh"
#include "sums.cuh"

namespace metalaudio::models::cuda {

using dsp::cuda::kBlock;
using dsp::cuda::padded;
using dsp::cuda::Place;
using dsp::cuda::transform;
using metalaudio::cuda::with_power_of_two;

namespace {

constexpr int kThreads = 256;
/// Rows and frames that are turned around at a time.
constexpr int kTile = 32;
/// One row longer than it is, so that columns lie in banks of their own, and so do two channels.
constexpr int kTileRow = kTile + 1;
constexpr int kTileChannel = kTile * kTileRow + 8;

/// Which sample of a segment demucs.hdemucs.pad1d puts at a place of the padded signal; negative
/// for a zero. A signal that is too short to be reflected is first lengthened with zeros.
struct Reflection {
  int segment;
  int pad;
  int first;  ///< about which the left end is reflected, as a place of the padded signal
  int last;

  explicit Reflection(const FrameSizes& sizes) {
    segment = static_cast<int>(sizes.segment);
    pad = static_cast<int>(sizes.hop() / 2 * 3);
    const int length = static_cast<int>(sizes.frames * sizes.hop()) + 2 * pad;
    const int right = length - pad - segment;
    const int most = pad > right ? pad : right;
    int zeros_left = 0;
    int zeros_right = 0;
    if (segment <= most) {
      const int extra = most - segment + 1;
      zeros_right = right < extra ? right : extra;
      zeros_left = extra - zeros_right;
    }
    first = pad - zeros_left;
    last = pad + segment + zeros_right - 1;
  }

  __device__ int source(int place) const {
    if (place < first) place = 2 * first - place;
    if (place > last) place = 2 * last - place;
    const int sample = place - pad;
    return sample < 0 || sample >= segment ? -1 : sample;
  }
};

__global__ void sum_samples_kernel(const float* mix, std::int64_t count, double2* parts) {
  const std::int64_t part = (count + kSampleParts - 1) / kSampleParts;
  const std::int64_t begin = blockIdx.x * part;
  const std::int64_t end = begin + part < count ? begin + part : count;
  const float* values = mix + blockIdx.y * count;
  double2 sum{0, 0};
  for (std::int64_t i = begin + threadIdx.x; i < end; i += kThreads) add_to(sum, values[i]);
  sum = block_sum(sum);
  if (threadIdx.x == 0) parts[blockIdx.y * kSampleParts + blockIdx.x] = sum;
}

template <int kSize>
__global__ void __launch_bounds__(kBlock<kSize>)
    transform_forward_kernel(FrameSizes sizes, Reflection reflection, const float* mix,
                             const float* window, float scale, const float2* twiddles,
                             float2* spectra, double2* parts) {
  extern __shared__ float2 shared[];
  const bool two = paired(sizes.channels);
  const int lane_count = static_cast<int>(lanes(sizes.channels));
  const int lane = static_cast<int>(blockIdx.x) % lane_count;
  const int frame = static_cast<int>(blockIdx.x) / lane_count;
  const std::int64_t channel = blockIdx.y * sizes.channels + (two ? 2 * lane : lane);
  const float* left = mix + channel * sizes.segment;
  const float* right = left + sizes.segment;
  const int start = frame * (kSize / 4);
  transform<kSize>(
      twiddles, shared,
      [&](Place i) {
        const int sample = reflection.source(start + i);
        if (sample < 0) return float2{0, 0};
        const float weight = window[i];
        return float2{left[sample] * weight * scale, two ? right[sample] * weight * scale : 0.0F};
      },
      [&](Place i, float2 v) { shared[padded(i)] = v; });
  __syncthreads();

  float2* first = spectra + (channel * sizes.frames + frame) * (kSize / 2);
  float2* second = first + sizes.frames * (kSize / 2);
  double2 sum{0, 0};
  for (int k = static_cast<int>(threadIdx.x); k < kSize / 2; k += kBlock<kSize>) {
    const float2 a = shared[padded(k)];
    if (!two) {
      first[k] = a;
      add_to(sum, a.x);
      add_to(sum, a.y);
      continue;
    }
    const float2 b = shared[padded((kSize - k) & (kSize - 1))];
    const float2 x{0.5F * (a.x + b.x), 0.5F * (a.y - b.y)};
    const float2 y{0.5F * (a.y + b.y), 0.5F * (b.x - a.x)};
    first[k] = x;
    second[k] = y;
    add_to(sum, x.x);
    add_to(sum, x.y);
    add_to(sum, y.x);
    add_to(sum, y.y);
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) parts[blockIdx.y * gridDim.x + blockIdx.x] = sum;
}

/// Mean and unbiased deviation.
__device__ float2 moments_of(const double2* parts, std::int64_t part_count, std::int64_t count) {
  double2 sum{0, 0};
  for (std::int64_t i = threadIdx.x; i < part_count; i += kThreads) {
    sum.x += parts[i].x;
    sum.y += parts[i].y;
  }
  sum = block_sum(sum);
  const double n = static_cast<double>(count);
  const double variance = (sum.y - sum.x * sum.x / n) / (n - 1);
  return {static_cast<float>(sum.x / n), static_cast<float>(sqrt(variance > 0 ? variance : 0.0))};
}

__global__ void finish_moments_kernel(FrameSizes sizes, const double2* sample_parts,
                                      const double2* spectrogram_parts, std::int64_t part_count,
                                      SegmentMoments* moments) {
  if (blockIdx.x == 0) {
    const float2 found = moments_of(sample_parts + blockIdx.y * kSampleParts, kSampleParts,
                                    sizes.channels * sizes.segment);
    if (threadIdx.x == 0) moments[blockIdx.y].samples = found;
  } else {
    const float2 found = moments_of(spectrogram_parts + blockIdx.y * part_count, part_count,
                                    sizes.rows() * sizes.frames * sizes.channels * 2);
    if (threadIdx.x == 0) moments[blockIdx.y].spectrogram = found;
  }
}

/// What values are multiplied by after their mean is gone.
__device__ float scale_of(float2 moments) { return 1.0F / (1e-5F + moments.y); }

__global__ void write_waveform_kernel(FrameSizes sizes, const float* mix,
                                      const SegmentMoments* moments, float* waveform) {
  const std::int64_t sample = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (sample >= sizes.segment) return;
  const float2 found = moments[blockIdx.y].samples;
  const float scale = scale_of(found);
  const float* from = mix + blockIdx.y * sizes.channels * sizes.segment + sample;
  float* to = waveform + (blockIdx.y * sizes.segment + sample) * sizes.channels;
  for (std::int64_t c = 0; c < sizes.channels; ++c) {
    to[c] = (from[c * sizes.segment] - found.x) * scale;
  }
}

__global__ void write_spectrogram_kernel(FrameSizes sizes, const float2* spectra,
                                         const SegmentMoments* moments, float2* spectrogram) {
  extern __shared__ float2 tile[];  // [channels][frames][rows]
  const int channels = static_cast<int>(sizes.channels);
  const std::int64_t frame0 = static_cast<std::int64_t>(blockIdx.x) * kTile;
  const std::int64_t row0 = static_cast<std::int64_t>(blockIdx.y) * kTile;
  const std::int64_t segment = blockIdx.z;
  const float2 found = moments[segment].spectrogram;
  const float scale = scale_of(found);
  const int x = static_cast<int>(threadIdx.x);
  const int y = static_cast<int>(threadIdx.y);
  for (int c = 0; c < channels; ++c) {
    for (int t = y; t < kTile; t += kThreads / kTile) {
      if (frame0 + t >= sizes.frames) break;
      const float2 v =
          spectra[((segment * channels + c) * sizes.frames + frame0 + t) * sizes.rows() + row0 + x];
      tile[c * kTileChannel + t * kTileRow + x] = {(v.x - found.x) * scale,
                                                   (v.y - found.x) * scale};
    }
  }
  __syncthreads();
  for (int row = y; row < kTile; row += kThreads / kTile) {
    float2* to = spectrogram +
                 ((segment * sizes.rows() + row0 + row) * sizes.frames + frame0) * sizes.channels;
    for (int i = x; i < kTile * channels; i += kTile) {
      const int t = i / channels;
      const int c = i % channels;
      if (frame0 + t < sizes.frames) to[i] = tile[c * kTileChannel + t * kTileRow + row];
    }
  }
}

template <int kSize>
__global__ void __launch_bounds__(kBlock<kSize>)
    transform_inverse_kernel(FrameSizes sizes, const float2* spectrogram, const float* window,
                             const float2* twiddles, const SegmentMoments* moments, float* frames) {
  extern __shared__ float2 shared[];
  const bool two = paired(sizes.outputs);
  const int lane_count = static_cast<int>(lanes(sizes.outputs));
  const int lane = static_cast<int>(blockIdx.x) % lane_count;
  const std::int64_t frame = blockIdx.x / lane_count;
  const std::int64_t output = two ? 2 * lane : lane;
  const float2 found = moments[blockIdx.y].spectrogram;
  const float2* from =
      spectrogram + (blockIdx.y * sizes.rows() * sizes.frames + frame) * sizes.outputs + output;
  const std::int64_t stride = sizes.frames * sizes.outputs;
  // Real parts and imaginary parts change places, so that a forward transform is the inverse one.
  for (int k = static_cast<int>(threadIdx.x); k < kSize / 2; k += kBlock<kSize>) {
    float2 a;
    float2 b{0, 0};
    if (two) {
      const float4 both = *reinterpret_cast<const float4*>(from + k * stride);
      a = {both.x * found.y + found.x, both.y * found.y + found.x};
      b = {both.z * found.y + found.x, both.w * found.y + found.x};
    } else {
      a = from[k * stride];
      a = {a.x * found.y + found.x, a.y * found.y + found.x};
    }
    if (k == 0) {
      shared[padded(0)] = {b.x, a.x};
      shared[padded(kSize / 2)] = {0, 0};
    } else {
      shared[padded(k)] = {a.y + b.x, a.x - b.y};
      shared[padded(kSize - k)] = {b.x - a.y, a.x + b.y};
    }
  }
  __syncthreads();
  float* first = frames + ((blockIdx.y * sizes.outputs + output) * sizes.frames + frame) * kSize;
  float* second = first + sizes.frames * kSize;
  transform<kSize>(
      twiddles, shared, [&](Place i) { return shared[padded(i)]; },
      [&](Place i, float2 v) {
        const float weight = window[i];
        first[i] = v.y * (1.0F / kSize) * weight;
        if (two) second[i] = v.x * (1.0F / kSize) * weight;
      });
}

__global__ void overlap_add_kernel(FrameSizes sizes, const float* frames, const float* envelope,
                                   const float* waveform, const SegmentMoments* moments,
                                   float* stems) {
  extern __shared__ float row[];  // [samples][outputs], an odd number of columns
  const std::int64_t sample0 = static_cast<std::int64_t>(blockIdx.x) * kThreads;
  const std::int64_t rest = sizes.segment - sample0;
  const int samples = static_cast<int>(rest < kThreads ? rest : kThreads);
  const int outputs = static_cast<int>(sizes.outputs);
  const int columns = outputs | 1;
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t segment = blockIdx.y;
  const float* from = waveform + (segment * sizes.segment + sample0) * sizes.outputs;
  for (int i = thread; i < samples * outputs; i += kThreads) {
    row[i / outputs * columns + i % outputs] = from[i];
  }
  __syncthreads();
  if (thread >= samples) return;
  const float2 found = moments[segment].samples;
  const std::int64_t sample = sample0 + thread;
  const std::int64_t hop = sizes.hop();
  // As a place in the overlap-add of all frames, of which upstream cuts two off on each side.
  const std::int64_t place = sample + hop / 2 * 3 + 2 * hop;
  const std::int64_t newest = place / hop;
  const std::int64_t within = place - newest * hop;
  for (int output = 0; output < outputs; ++output) {
    float sum = 0;
    if (frames != nullptr) {
      const float* all = frames + (segment * sizes.outputs + output) * sizes.frames * sizes.nfft;
      for (int back = 3; back >= 0; --back) {
        const std::int64_t frame = newest - back - 2;
        if (frame < 0 || frame >= sizes.frames) continue;
        sum += all[frame * sizes.nfft + within + back * hop];
      }
      sum *= envelope[within];
    }
    stems[(segment * sizes.outputs + output) * sizes.segment + sample] =
        sum + (row[thread * columns + output] * found.y + found.x);
  }
}

unsigned blocks_of(std::int64_t count, std::int64_t size) {
  return static_cast<unsigned>((count + size - 1) / size);
}

}  // namespace

std::int64_t transform_shared_bytes(std::int64_t nfft) {
  return (nfft + nfft / 16) * static_cast<std::int64_t>(sizeof(float2));
}

cudaError_t allow_transform(std::int64_t nfft) {
  const int bytes = static_cast<int>(transform_shared_bytes(nfft));
  if (bytes <= 48 * 1024) return cudaSuccess;
  return with_power_of_two<kSmallestTransform>(nfft, [&]<int kSize>() {
    const cudaError_t error = cudaFuncSetAttribute(
        transform_forward_kernel<kSize>, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
    if (error != cudaSuccess) return error;
    return cudaFuncSetAttribute(transform_inverse_kernel<kSize>,
                                cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  });
}

void sum_samples(const FrameSizes& sizes, const float* mix, double2* parts, cudaStream_t stream) {
  const dim3 grid(kSampleParts, static_cast<unsigned>(sizes.batch));
  sum_samples_kernel<<<grid, kThreads, 0, stream>>>(mix, sizes.channels * sizes.segment, parts);
}

std::int64_t spectrogram_parts(const FrameSizes& sizes) {
  return sizes.frames * lanes(sizes.channels);
}

void transform_forward(const FrameSizes& sizes, const float* mix, const float* window, float scale,
                       const float2* twiddles, float2* spectra, double2* parts,
                       cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(spectrogram_parts(sizes)),
                  static_cast<unsigned>(sizes.batch));
  const auto bytes = static_cast<std::size_t>(transform_shared_bytes(sizes.nfft));
  with_power_of_two<kSmallestTransform>(sizes.nfft, [&]<int kSize>() {
    transform_forward_kernel<kSize><<<grid, kBlock<kSize>, bytes, stream>>>(
        sizes, Reflection(sizes), mix, window, scale, twiddles, spectra, parts);
  });
}

void finish_moments(const FrameSizes& sizes, const double2* sample_parts,
                    const double2* spectrogram_sums, SegmentMoments* moments, cudaStream_t stream) {
  const dim3 grid(spectrogram_sums == nullptr ? 1 : 2, static_cast<unsigned>(sizes.batch));
  finish_moments_kernel<<<grid, kThreads, 0, stream>>>(sizes, sample_parts, spectrogram_sums,
                                                       spectrogram_parts(sizes), moments);
}

void write_waveform(const FrameSizes& sizes, const float* mix, const SegmentMoments* moments,
                    float* waveform, cudaStream_t stream) {
  const dim3 grid(blocks_of(sizes.segment, kThreads), static_cast<unsigned>(sizes.batch));
  write_waveform_kernel<<<grid, kThreads, 0, stream>>>(sizes, mix, moments, waveform);
}

void write_spectrogram(const FrameSizes& sizes, const float2* spectra,
                       const SegmentMoments* moments, float* spectrogram, cudaStream_t stream) {
  const dim3 grid(blocks_of(sizes.frames, kTile), blocks_of(sizes.rows(), kTile),
                  static_cast<unsigned>(sizes.batch));
  const dim3 block(kTile, kThreads / kTile);
  const auto bytes = static_cast<std::size_t>(sizes.channels) * kTileChannel * sizeof(float2);
  write_spectrogram_kernel<<<grid, block, bytes, stream>>>(sizes, spectra, moments,
                                                           reinterpret_cast<float2*>(spectrogram));
}

void transform_inverse(const FrameSizes& sizes, const float* spectrogram, const float* window,
                       const float2* twiddles, const SegmentMoments* moments, float* frames,
                       cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(sizes.frames * lanes(sizes.outputs)),
                  static_cast<unsigned>(sizes.batch));
  const auto bytes = static_cast<std::size_t>(transform_shared_bytes(sizes.nfft));
  with_power_of_two<kSmallestTransform>(sizes.nfft, [&]<int kSize>() {
    transform_inverse_kernel<kSize><<<grid, kBlock<kSize>, bytes, stream>>>(
        sizes, reinterpret_cast<const float2*>(spectrogram), window, twiddles, moments, frames);
  });
}

void overlap_add(const FrameSizes& sizes, const float* frames, const float* envelope,
                 const float* waveform, const SegmentMoments* moments, float* stems,
                 cudaStream_t stream) {
  const dim3 grid(blocks_of(sizes.segment, kThreads), static_cast<unsigned>(sizes.batch));
  const auto bytes = static_cast<std::size_t>(sizes.outputs | 1) * kThreads * sizeof(float);
  overlap_add_kernel<<<grid, kThreads, bytes, stream>>>(sizes, frames, envelope, waveform, moments,
                                                        stems);
}

}  // namespace metalaudio::models::cuda
