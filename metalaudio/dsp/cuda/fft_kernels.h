#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace metalaudio::dsp::cuda {

/// What fills the places of a frame that lie outside of its signal.
enum class Outside : int { zero, reflect, replicate, history };

/// Frames cut from the signals of many channels.
struct Frames {
  const float* x = nullptr;  ///< [channels][samples]
  unsigned rows = 0;         ///< channels · frames
  unsigned frames = 1;       ///< of a channel
  std::int64_t samples = 0;  ///< of a channel
  std::int64_t hop = 0;
  std::int64_t pad = 0;  ///< samples before the first
  Outside outside = Outside::zero;
  const float* history = nullptr;  ///< [channels][pad], for Outside::history
  const float* window = nullptr;   ///< which the samples are multiplied by; null: none
  /// Set where samples that are not finite or beyond ±1e30 count as 0; null: they pass.
  unsigned* replaced = nullptr;
};

/// Where the spectra of frames go: frame f of a channel to slot (first + f) % slots of its channel.
struct SpectrumSlots {
  float2* spectra = nullptr;  ///< [channels][slots][bins]
  unsigned slots = 1;
  unsigned first = 0;
};

/// Where the samples of transforms go: the frames of a channel behind one another, each without its
/// first `skip` samples, as far as the channel reaches.
struct SampleBlocks {
  float* x = nullptr;        ///< [channels][samples]
  unsigned rows = 0;         ///< channels · frames
  unsigned frames = 1;       ///< of a channel
  std::int64_t samples = 0;  ///< of a channel
  std::int64_t first = 0;    ///< frame of a channel
  int skip = 0;
};

// Transforms that one block of threads does alone: the smallest and the largest, in complex values. A
// real one has twice as many samples.
constexpr std::int64_t kSmallestOwn = 8;
constexpr std::int64_t kLargestOwn = 8192;

// `tables` are make_twiddles(size), then e^(-πi k / size) for k <= size / 2.

// All of them put work into a stream and return; errors are cudaGetLastError()'s. `size` is a power
// of two in complex values, within the limits above.

/// Shared memory that a block takes, and once for each device, which is the current one, before the
/// first launch.
std::int64_t transform_bytes(std::int64_t size);
cudaError_t allow_transforms(std::int64_t size);

/// Frames of 2 · size samples -> spectra of size + 1 bins.
void forward_real(std::int64_t size, const Frames& frames, const SpectrumSlots& to,
                  const float2* tables, cudaStream_t stream);
/// Spectra of size + 1 bins -> samples, times scale.
void inverse_real(std::int64_t size, const float2* spectra, const SampleBlocks& to, float scale,
                  const float2* tables, cudaStream_t stream);
/// x[count][size] -> out[count][size]; the inverse times 1 / size.
void transform_complex(std::int64_t size, bool inverse, const float2* x, float2* out,
                       unsigned count, const float2* tables, cudaStream_t stream);

/// What an inverse STFT takes; the sums of its frames begin `pad` samples before the output.
struct Overlap {
  std::int64_t channels = 0;
  std::int64_t frames = 0;
  std::int64_t samples = 0;  ///< of the output
  std::int64_t nfft = 0;
  std::int64_t hop = 0;
  std::int64_t pad = 0;
  const float* synthesis = nullptr;  ///< the window over the scale of the spectra
  const float* window = nullptr;     ///< whose squares the sum is divided by
  const float* envelope = nullptr;   ///< [hop] of 1 / their sums, where all frames are there
};

/// Shared memory that a block of inverse_stft() takes at least; it is allowed once for each device,
/// and what helps within the `shared` bytes that a block may have there.
std::int64_t inverse_stft_bytes(std::int64_t size);
cudaError_t allow_inverse_stft(std::int64_t size, int shared);
/// spectra[channels][frames][nfft / 2 + 1] -> x[channels][samples], for hops up to nfft = 2 · size.
void inverse_stft(std::int64_t size, const Overlap& overlap, const float2* spectra, float* x,
                  const float2* tables, int processors, int shared, cudaStream_t stream);
/// Rows [first, first + count) of all frames, windowed -> out[count][nfft].
void cut_frames(const Frames& frames, std::int64_t nfft, std::int64_t first, std::int64_t count,
                float* out, cudaStream_t stream);
/// frames[channels][frames][nfft] of inverse transforms -> x[channels][samples].
void add_frames(const Overlap& overlap, const float* frames, float* x, cudaStream_t stream);

/// spectra[count][bins] · scale -> out, real in bin 0 and, for even sizes, the last.
void scale_spectra(const float2* spectra, float2* out, std::int64_t count, std::int64_t size,
                   float scale, cudaStream_t stream);
void scale_values(float* values, std::int64_t count, float scale, cudaStream_t stream);

}  // namespace metalaudio::dsp::cuda
