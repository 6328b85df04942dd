#pragma once

#include <metalaudio/core/realtime/status.h>
#include <metalaudio/dsp/batched_convolution.h>
#include <metalaudio/dsp/batched_options.h>
#include <metalaudio/dsp/stft.h>

#include <cstddef>
#include <memory>
#include <span>

namespace metalaudio::dsp {

// The seams under the batched processors: one for the CPU and one for CUDA each. Addresses are of the
// device's memory, sizes have been checked. What they throw is the public class's to say.

/// Whether a transform's signal is real.
enum class SignalKind { real, complex };

class BatchedTransform {
 public:
  virtual ~BatchedTransform() = default;
  virtual void forward(const float* x, float* spectra, std::size_t count) = 0;
  virtual void inverse(const float* spectra, float* x, std::size_t count) = 0;
};

/// What the frames of a whole signal are cut by; `window` is fft_size long.
struct FramePlan {
  std::size_t fft_size = 0;
  std::size_t hop = 0;
  std::size_t pad = 0;  ///< samples before the first
  StftPadding padding = StftPadding::constant;
  std::span<const float> window{};
  float scale = 1;  ///< of the spectra
};

/// How many channels, each of so many samples and frames.
struct FrameCounts {
  std::size_t channels = 0;
  std::size_t samples = 0;
  std::size_t frames = 0;
};

class BatchedStftEngine {
 public:
  virtual ~BatchedStftEngine() = default;
  virtual void forward(const float* x, float* spectra, const FrameCounts& counts) = 0;
  virtual void inverse(const float* spectra, float* x, const FrameCounts& counts) = 0;
};

class BatchedFilterEngine {
 public:
  virtual ~BatchedFilterEngine() = default;
  virtual void process(const float* in, float* out, std::size_t frames) = 0;
  virtual void reset() = 0;
  virtual Trouble take_status() = 0;
};

class BatchedConvolutionEngine {
 public:
  virtual ~BatchedConvolutionEngine() = default;
  /// in[channels][samples], then silence -> out[channels][room], with room >= samples. Where the
  /// stream goes on after it, both are whole blocks.
  virtual void process(const float* in, std::size_t samples, float* out, std::size_t room) = 0;
  virtual void reset() = 0;
  virtual Trouble take_status() = 0;
};

/// Where a processor with these options works: null is the CPU.
DeviceType device_type_of(const std::shared_ptr<AudioDevice>& device) noexcept;
inline bool is_cuda(const std::shared_ptr<AudioDevice>& device) noexcept {
  return device_type_of(device) == DeviceType::cuda;
}

std::unique_ptr<BatchedTransform> make_batched_transform(SignalKind kind, std::size_t size,
                                                         const BatchedOptions& options);
std::unique_ptr<BatchedTransform> make_cpu_transform(SignalKind kind, std::size_t size,
                                                     ThreadPool* pool);
std::unique_ptr<BatchedConvolutionEngine> make_cpu_convolution(
    std::span<const std::span<const float>> irs, const BatchedConvolutionOptions& options,
    ThreadPool* pool);

}  // namespace metalaudio::dsp
