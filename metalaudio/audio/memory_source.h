#pragma once

#include <metalaudio/audio/audio_source.h>
#include <metalaudio/audio/view_source.h>
#include <metalaudio/core/audio_buffer.h>

namespace metalaudio::audio {

/// An AudioSource over a buffer that it owns.
/// Errors:   the constructor throws Error{invalid_argument} unless sample_rate_hz >= 1.
/// Threads:  as AudioSource.
class MemorySource final : public AudioSource {
 public:
  MemorySource(AudioBuffer samples, int sample_rate_hz);
  MemorySource(const MemorySource&) = delete;
  MemorySource& operator=(const MemorySource&) = delete;

  std::int64_t frames() const noexcept override { return view_.frames(); }
  std::size_t channels() const noexcept override { return view_.channels(); }
  int sample_rate_hz() const noexcept override { return view_.sample_rate_hz(); }
  void read(std::int64_t first_frame, AudioView out) const override {
    view_.read(first_frame, out);
  }

 private:
  AudioBuffer samples_;
  ViewSource view_;
};

}  // namespace metalaudio::audio
