#pragma once

#include <metalaudio/core/audio_view.h>

#include <cstddef>
#include <cstdint>

namespace metalaudio::audio {

/// Audio of known length that can be read at any place: memory, a temporary file, a decoded track.
/// Errors:   read throws Error{invalid_argument} unless out has as many channels, and
///           Error{io} where a file fails.
/// Threads:  read may be called from several threads at once.
class AudioSource {
 public:
  virtual ~AudioSource() = default;

  virtual std::int64_t frames() const noexcept = 0;
  virtual std::size_t channels() const noexcept = 0;
  virtual int sample_rate_hz() const noexcept = 0;

  /// Fills `out` from first_frame on, which may be negative; frames outside [0, frames()) read as
  /// zeros.
  virtual void read(std::int64_t first_frame, AudioView out) const = 0;
};

}  // namespace metalaudio::audio
