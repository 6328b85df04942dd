#pragma once

#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/audio_view.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace metalaudio::separation {

/// Sums weighted segments in a window that slides along the mix, a row for each channel of each stem.
/// Shapes:   [rows][window].
/// Threads:  one; different rows may be worked on at once.
class StemAccumulator {
 public:
  StemAccumulator(std::size_t rows, std::size_t window_frames) : sums_(rows, window_frames) {}

  std::size_t rows() const noexcept { return sums_.channels(); }
  /// From the window's first frame on.
  ConstAudioView sums() const noexcept { return sums_; }

  /// Slides one row on; frames that come in are zero.
  void move(std::size_t row, std::size_t frames);
  /// Adds gain · weights · samples to one row from a frame of the window on. Samples before the
  /// window are left out, as those that a shift puts before the mix.
  void add(std::size_t row, std::int64_t first, float gain, std::span<const float> weights,
           std::span<const float> samples);
  /// Takes another's sums in place of a row's own, and zeros behind them.
  void replace(std::size_t row, std::span<const float> sums);

 private:
  AudioBuffer sums_;
};

}  // namespace metalaudio::separation
