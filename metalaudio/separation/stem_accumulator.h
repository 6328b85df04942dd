#pragma once

#include <metalaudio/core/audio_buffer.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace metalaudio::separation {

/// Sums weighted segments of every stem in a window that slides along the mix.
/// Shapes:   stems[stem] is [channels][window].
/// Threads:  one.
class StemAccumulator {
 public:
  StemAccumulator(std::size_t stems, std::size_t channels, std::size_t window_frames);

  std::int64_t first_frame() const noexcept { return first_frame_; }

  /// Adds gain · weights · samples to one channel of a stem from frame first on. Frames before the
  /// window are left out, as those that a shift puts before the mix.
  void add(std::size_t stem, std::size_t channel, std::int64_t first, float gain,
           std::span<const float> weights, std::span<const float> samples);

  /// Frames of one channel of a stem, from the window's `skipped`th on.
  std::span<const float> front(std::size_t stem, std::size_t channel, std::size_t frames,
                               std::size_t skipped = 0) const;

  /// Slides the window on; frames that come in are zero.
  void drop(std::size_t frames);

 private:
  std::vector<AudioBuffer> stems_;
  std::int64_t first_frame_ = 0;
};

}  // namespace metalaudio::separation
