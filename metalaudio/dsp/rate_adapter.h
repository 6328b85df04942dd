#pragma once

#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/core/realtime/status.h>
#include <metalaudio/dsp/stream_resampler.h>

#include <cstddef>
#include <functional>
#include <optional>

namespace metalaudio::dsp {

/// What it is: in[channels][frames] -> out[channels][frames], other memory.
using BlockProcessor = std::function<void(ConstAudioView in, AudioView out)>;

struct RateAdapterOptions {
  std::size_t channels = 1;
  /// The processor's own block; 0: it takes any, up to 4096 frames.
  std::size_t block_samples = 0;
  /// The processor's own latency, at its own rate.
  std::size_t latency_samples = 0;
  double passband = 0.907;  ///< of the resamplers
};

/// Runs a processor made for one sample rate inside a host at another: resamples to it and back.
/// As many frames come out as go in, whatever the block: after N frames ceil(N · r) have reached
/// the processor, and ceil(ceil(N · r) / r) >= N have come back, so nothing ever runs dry and
/// nothing has to be held in reserve (a fixed block of B adds B - 1 samples). At equal rates
/// nothing is resampled.
/// Shapes:   in[channels][frames] -> out[channels][frames], any frames; may be the same memory.
/// Errors:   the constructor throws what StreamResampler's does, and Error{invalid_argument} for a
///           block or latency past 2^20 or no processor.
/// Threads:  one; status() and take_status() on any.
/// Realtime: process and reset, if the processor is; status, take_status.
class RateAdapter {
 public:
  RateAdapter(double host_rate_hz, double processor_rate_hz, const RateAdapterOptions& options,
              BlockProcessor processor);

  METALAUDIO_REALTIME void process(ConstAudioView in, AudioView out) noexcept;
  /// Forgets all samples under way; the processor is the caller's to reset.
  METALAUDIO_REALTIME void reset() noexcept;

  /// Of the resamplers, the processor and its block together, in host samples: whole, since the
  /// last resampler delays by the rest.
  std::size_t latency_samples() const noexcept { return latency_; }

  /// What the resamplers met, on the way to the processor first: samples that are not finite, of
  /// either side, become silence. At equal rates they pass.
  METALAUDIO_REALTIME Trouble status() const noexcept {
    if (!to_processor_) return Trouble::none;
    const Trouble in = to_processor_->status(), out = to_host_->status();
    return in != Trouble::none ? in : out;
  }
  METALAUDIO_REALTIME Trouble take_status() noexcept {
    if (!to_processor_) return Trouble::none;
    const Trouble in = to_processor_->take_status(), out = to_host_->take_status();
    return in != Trouble::none ? in : out;
  }

 private:
  void run_processor(std::size_t frames) noexcept;
  void process_chunk(const ConstAudioView& in, const AudioView& out) noexcept;

  std::size_t channels_;
  std::size_t block_;
  BlockProcessor processor_;
  std::optional<StreamResampler> to_processor_;  // none: equal rates
  std::optional<StreamResampler> to_host_;
  std::size_t latency_ = 0;
  std::size_t chunk_;        // host frames at a time
  AudioBuffer arrived_;      // at the processor's rate, before it
  AudioBuffer processed_;    // and after it
  std::size_t waiting_ = 0;  // frames of arrived_ that do not fill a block yet
  std::size_t done_ = 0;     // frames of processed_ that are to go back
  AudioBuffer returned_;     // at the host's rate
  std::size_t ready_ = 0;
};

}  // namespace metalaudio::dsp
