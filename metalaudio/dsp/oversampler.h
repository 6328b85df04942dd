#pragma once

#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/realtime/denormals.h>
#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/core/realtime/status.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace metalaudio::dsp {

class HalfBandUp;
class HalfBandDown;

struct OversamplerOptions {
  std::size_t channels = 1;
  std::size_t most_frames = 512;  ///< of one up(); process() cuts longer blocks
  /// What stays flat, in parts of the sample rate: 20 kHz at 44.1.
  double passband = 20.0 / 44.1;
};

/// Runs a processor at 2, 4 or 8 times the sample rate, through half-band filters of linear phase:
/// what a distortion makes above the band is cut off instead of folding back. Up to the pass
/// band's end the way up and down is flat within 1e-4 dB; images of it, and what would fold into
/// it, are at least 100 dB down. Between the pass band and half the rate, where the filters meet,
/// it falls. The output does not depend on how the input is cut into blocks. Samples that are not
/// finite, or beyond ±1e30, become silence, of the input as of what the processor made of it; both
/// are noted in status().
/// Shapes:   in[channels][frames] -> [channels][factor · frames] -> out[channels][frames].
/// Errors:   the constructor throws Error{invalid_argument} unless the factor is 1, 2, 4 or 8,
///           there are channels and frames, and the pass band lies between 0.05 and 0.49.
/// Threads:  one; status() and take_status() on any.
/// Realtime: all but the constructor.
class Oversampler {
 public:
  explicit Oversampler(std::size_t factor, const OversamplerOptions& options = {});
  ~Oversampler();
  Oversampler(Oversampler&&) noexcept;
  Oversampler& operator=(Oversampler&&) noexcept;

  /// Calls process_block(AudioView), which works in place, on oversampled blocks.
  template <typename Process>
  METALAUDIO_REALTIME void process(ConstAudioView in, AudioView out,
                                   Process&& process_block) noexcept {
    for (std::size_t at = 0; at < in.frames(); at += most_frames_) {
      const std::size_t frames = std::min(most_frames_, in.frames() - at);
      process_block(up(in.part(at, frames)));
      down(out.part(at, frames));
    }
  }
  /// The oversampled block, to be worked on in place; it lives until the next up(). At most
  /// most_frames of the options.
  METALAUDIO_REALTIME AudioView up(ConstAudioView in) noexcept;
  /// Brings what up() gave back to the sample rate.
  METALAUDIO_REALTIME void down(AudioView out) noexcept;
  METALAUDIO_REALTIME void reset() noexcept;

  std::size_t factor() const noexcept { return std::size_t{1} << (levels_.size() - 1); }
  /// Of up and down together, in samples of the lower rate; whole.
  std::size_t latency_samples() const noexcept { return latency_; }

  /// The first of input_replaced and output_silenced since take_status().
  METALAUDIO_REALTIME Trouble status() const noexcept { return status_.peek(); }
  METALAUDIO_REALTIME Trouble take_status() noexcept { return status_.take(); }

 private:
  std::size_t most_frames_;
  std::size_t latency_ = 0;
  std::vector<HalfBandUp> up_;
  std::vector<HalfBandDown> down_;
  std::vector<AudioBuffer> levels_;  // one for each rate
  RealtimeStatus status_;
};

}  // namespace metalaudio::dsp
