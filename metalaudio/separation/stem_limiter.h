#pragma once

#include <metalaudio/audio/audio_source.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/dsp/limiter_gain.h>
#include <metalaudio/dsp/oversampler.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace metalaudio::separation {

/// One gain curve for several sounds, multiplied by one gain: it keeps the true peak of each of them
/// and of their sum below -1 dB, so that they still add up. It reads the sounds itself, a little
/// ahead.
/// Errors:   as AudioSource.
/// Threads:  one instance per thread.
/// Source:   ITU-R BS.1770-4, annex 2
class StemLimiter {
 public:
  /// The sounds have the same length, rate and channels, and outlive it. Those before
  /// `first_of_sum` are no part of the sum, as the mix that lies beside its stems.
  StemLimiter(std::vector<const audio::AudioSource*> sounds, std::size_t first_of_sum, float gain);

  /// The gains of the next frames, the one gain in them; they live until the next call.
  std::span<const float> next(std::size_t frames);
  /// The least of the curve so far, without the one gain.
  float least() const noexcept { return least_; }

 private:
  void look_ahead();

  std::vector<const audio::AudioSource*> sounds_;
  std::size_t first_of_sum_;
  float gain_;
  AudioBuffer read_;
  AudioBuffer all_;  // the channels of each sound, and of their sum
  dsp::Oversampler oversampler_;
  dsp::LimiterGain limiter_;
  std::size_t lead_;  // gains that stand before the first frame
  std::int64_t position_ = 0;
  float before_ = 0.0F;  // the peaks of the two frames before
  float last_ = 0.0F;
  std::vector<float> peaks_;
  std::vector<float> gains_;  // that are ready, those of the last call first
  std::size_t given_ = 0;
  float least_ = 1.0F;
};

}  // namespace metalaudio::separation
