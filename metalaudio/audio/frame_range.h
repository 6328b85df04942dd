#pragma once

#include <metalaudio/core/audio_view.h>

#include <cstddef>
#include <cstdint>

namespace metalaudio::audio {

/// The part of a request for [first_frame, first_frame + frames) that lies in [0, length).
struct FrameRange {
  std::int64_t first = 0;  ///< its first frame in the source
  std::size_t count = 0;   ///< its frames; 0 if the request lies outside
  std::size_t lead = 0;    ///< frames of the request before it
};

FrameRange overlap(std::int64_t first_frame, std::size_t frames, std::int64_t length) noexcept;

/// Zeroes what a request has before and after `range`.
void clear_outside(const FrameRange& range, AudioView out);

/// Throws Error{invalid_argument} unless a read asks for all channels.
void check_read(AudioView out, std::size_t channels);

}  // namespace metalaudio::audio
