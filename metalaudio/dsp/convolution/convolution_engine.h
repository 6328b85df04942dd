#pragma once

#include <metalaudio/dsp/convolution/convolution_level.h>

#include <cstddef>
#include <span>
#include <vector>

namespace metalaudio::dsp {

/// The convolution of a fixed set of impulse responses, from its first sample on: what Convolution
/// replaces as a whole when they change. Adds no latency.
/// Threads:  one.
/// Realtime: process, reset.
class ConvolutionEngine {
 public:
  ConvolutionEngine(std::span<const ConvolutionRoute> routes, std::size_t inputs,
                    std::size_t outputs, const ConvolutionLayout& layout);

  /// The longest response: for so long the input is heard.
  std::size_t ir_samples() const noexcept { return ir_samples_; }

  /// out[output][frames] = the convolution of in[input][frames]; any number of frames. All input
  /// has to be finite.
  METALAUDIO_REALTIME void process(const float* const* in, float* const* out,
                                   std::size_t frames) noexcept;
  METALAUDIO_REALTIME void reset() noexcept;

 private:
  struct Head {
    std::size_t input;
    std::size_t output;
    Array<float> taps;
  };

  void process_within_block(const float* const* in, float* const* out, std::size_t at,
                            std::size_t frames) noexcept;
  void end_block() noexcept;
  /// The newest `samples` samples of an input, contiguous.
  const float* latest(std::size_t input, std::size_t samples) const noexcept;

  ConvolutionLayout layout_;
  std::size_t ir_samples_ = 0;
  const ConvolutionKernels& kernels_;
  std::vector<Head> heads_;
  std::vector<ConvolutionLevel> levels_;
  std::vector<std::size_t> level_position_;  ///< in the level's current period
  std::size_t ring_samples_ = 0;
  std::vector<Array<float>> rings_;  ///< each twice over, so that any window is contiguous
  std::vector<const float*> windows_;
  std::size_t outputs_;
  std::size_t position_ = 0;  ///< in the ring
};

}  // namespace metalaudio::dsp
