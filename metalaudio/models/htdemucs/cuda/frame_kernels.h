#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace metalaudio::models::cuda {

/// The sizes of a batch of segments and of their spectrograms.
struct FrameSizes {
  std::int64_t batch = 1;
  std::int64_t channels = 2;
  std::int64_t outputs = 8;  ///< sources · channels
  std::int64_t segment = 0;
  std::int64_t nfft = 4096;
  std::int64_t frames = 0;

  __host__ __device__ std::int64_t hop() const { return nfft / 4; }
  __host__ __device__ std::int64_t rows() const { return nfft / 2; }
};

/// What one transform takes at most, and what the tiles that are turned around do.
constexpr std::int64_t kSmallestTransform = 64;
constexpr std::int64_t kLargestTransform = 8192;
constexpr std::int64_t kMostChannels = 4;
constexpr std::int64_t kMostOutputs = 44;

/// How many parts the moments of a segment's samples are summed in.
constexpr int kSampleParts = 64;

/// Mean and deviation of the samples and of the spectrogram of each segment.
struct SegmentMoments {
  float2 samples;
  float2 spectrogram;
};

// All of them put work into a stream and return; errors are cudaGetLastError()'s. Sums run in an
// order that depends on nothing but the sizes of one segment, so that a batch has the bits of its
// segments.

/// Bytes of shared memory that a block of the transforms takes.
std::int64_t transform_shared_bytes(std::int64_t nfft);
/// Once for each device, which is the current one, where that is more than 48 KiB.
cudaError_t allow_transform(std::int64_t nfft);

/// mix[batch][channels][segment] -> parts[batch][kSampleParts] of sums and sums of squares.
void sum_samples(const FrameSizes& sizes, const float* mix, double2* parts, cudaStream_t stream);
/// mix -> spectra[batch][channels][frames][nfft / 2], and parts[batch][frames · lanes].
/// tables: window[nfft], dsp::cuda::make_twiddles(nfft); scale multiplies the windowed samples.
void transform_forward(const FrameSizes& sizes, const float* mix, const float* window, float scale,
                       const float2* twiddles, float2* spectra, double2* parts,
                       cudaStream_t stream);
/// How many parts transform_forward sums a segment's spectrogram in.
std::int64_t spectrogram_parts(const FrameSizes& sizes);
/// The sums of either (spectrogram_parts may be null) -> moments[batch].
void finish_moments(const FrameSizes& sizes, const double2* sample_parts,
                    const double2* spectrogram_parts, SegmentMoments* moments, cudaStream_t stream);
/// mix -> (mix - mean) / (1e-5 + deviation) as waveform[batch][segment][channels].
void write_waveform(const FrameSizes& sizes, const float* mix, const SegmentMoments* moments,
                    float* waveform, cudaStream_t stream);
/// spectra -> the same of them, as spectrogram[batch][nfft / 2][frames][channels][2].
void write_spectrogram(const FrameSizes& sizes, const float2* spectra,
                       const SegmentMoments* moments, float* spectrogram, cudaStream_t stream);

/// spectrogram[batch][nfft / 2][frames][outputs][2] · deviation + mean -> transformed back and
/// windowed, frames[batch][outputs][frames][nfft].
void transform_inverse(const FrameSizes& sizes, const float* spectrogram, const float* window,
                       const float2* twiddles, const SegmentMoments* moments, float* frames,
                       cudaStream_t stream);
/// The sum of the frames (null: none) over each sample · envelope[hop], plus
/// waveform[batch][segment][outputs] · deviation + mean -> stems[batch][outputs][segment].
void overlap_add(const FrameSizes& sizes, const float* frames, const float* envelope,
                 const float* waveform, const SegmentMoments* moments, float* stems,
                 cudaStream_t stream);

/// transform_inverse and overlap_add in one, for devices whose blocks may have that much shared
/// memory, which is allowed once for each.
std::int64_t stems_shared_bytes(std::int64_t nfft);
cudaError_t allow_stems(const FrameSizes& sizes);
void write_stems(const FrameSizes& sizes, const float* spectrogram, const float* window,
                 const float2* twiddles, const float* envelope, const float* waveform,
                 const SegmentMoments* moments, float* stems, cudaStream_t stream);

}  // namespace metalaudio::models::cuda
