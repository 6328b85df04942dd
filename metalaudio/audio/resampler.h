#pragma once

#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/audio_view.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace metalaudio::audio {

/// Changes the sample rate of a stream through soxr at its very high quality: linear phase, flat to
/// 91 % of the lower Nyquist frequency, aliases below the float32 noise floor. The output starts
/// with the first input frame (soxr takes its delay out), has floor(frames * out / in) frames in
/// all, as upstream's julius, but one at least, and does not depend on how the stream is cut into
/// blocks. Equal rates pass through.
/// Errors:   the constructor throws Error{invalid_argument} unless the rates are 1 Hz or more and
///           there is a channel; process throws it for other channels or after flush.
/// Threads:  one instance per thread.
/// Realtime: none; soxr allocates while it runs.
class Resampler {
 public:
  Resampler(int in_rate_hz, int out_rate_hz, std::size_t channels);
  ~Resampler();
  Resampler(Resampler&&) noexcept;
  Resampler& operator=(Resampler&&) noexcept;

  /// Takes a block and returns what is ready of the output. The view lives until the next call.
  ConstAudioView process(ConstAudioView in);
  /// Ends the stream: what process still held back, up to `total_frames` of output in all where a
  /// caller knows better than the ratio. After it only reset() helps.
  ConstAudioView flush(std::optional<std::int64_t> total_frames = std::nullopt);
  void reset();

  /// The most input frames that process ever holds back. Measured once per call: keep it.
  std::size_t latency_samples() const;

 private:
  struct Close {
    void operator()(void* soxr) const noexcept;
  };

  void pull(std::vector<const float*> in, std::size_t frames);

  int in_rate_hz_;
  int out_rate_hz_;
  std::size_t channels_;
  std::unique_ptr<void, Close> soxr_;  // null for equal rates
  AudioBuffer out_;
  std::size_t ready_ = 0;
  std::int64_t frames_in_ = 0;
  std::int64_t frames_out_ = 0;
  bool flushed_ = false;
};

/// A whole sound at another rate, with what the interpolation puts before its first frame and after
/// its last, down to -140 dB of its peak: an impulse stays an impulse.
struct Resampled {
  AudioBuffer samples;
  std::size_t lead = 0;  ///< the frames before the one that stands where the first one stood
};

/// Resamples with both ends. Equal rates give a copy.
/// Errors:   as Resampler.
Resampled resample_whole(ConstAudioView in, int in_rate_hz, int out_rate_hz);

}  // namespace metalaudio::audio
