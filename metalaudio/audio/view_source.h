#pragma once

#include <metalaudio/audio/audio_source.h>
#include <metalaudio/core/audio_view.h>

namespace metalaudio::audio {

/// An AudioSource over samples that somebody else owns, which must stay meanwhile.
/// Errors:   the constructor throws Error{invalid_argument} unless sample_rate_hz >= 1.
/// Threads:  as AudioSource.
class ViewSource final : public AudioSource {
 public:
  ViewSource(ConstAudioView samples, int sample_rate_hz);

  std::int64_t frames() const noexcept override {
    return static_cast<std::int64_t>(samples_.frames());
  }
  std::size_t channels() const noexcept override { return samples_.channels(); }
  int sample_rate_hz() const noexcept override { return sample_rate_hz_; }
  void read(std::int64_t first_frame, AudioView out) const override;

 private:
  ConstAudioView samples_;
  int sample_rate_hz_;
};

}  // namespace metalaudio::audio
