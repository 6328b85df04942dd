#pragma once

#include <metalaudio/audio/audio_source.h>
#include <metalaudio/core/audio_buffer.h>

namespace metalaudio::audio {

/// An AudioSource over a buffer that it owns.
/// Errors:   the constructor throws Error{invalid_argument} unless sample_rate_hz >= 1.
/// Threads:  as AudioSource.
class MemorySource final : public AudioSource {
 public:
  MemorySource(AudioBuffer samples, int sample_rate_hz);

  std::int64_t frames() const noexcept override {
    return static_cast<std::int64_t>(samples_.frames());
  }
  std::size_t channels() const noexcept override { return samples_.channels(); }
  int sample_rate_hz() const noexcept override { return sample_rate_hz_; }
  void read(std::int64_t first_frame, AudioView out) const override;

 private:
  AudioBuffer samples_;
  int sample_rate_hz_;
};

}  // namespace metalaudio::audio
