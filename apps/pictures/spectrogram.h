#pragma once

#include <metalaudio/audio/audio_source.h>

#include <cstddef>
#include <span>
#include <vector>

namespace metalaudio::apps {

/// Where each pixel of a spectrogram lies.
struct SpectrogramGrid {
  std::size_t columns = 0;
  std::size_t rows = 0;
  double seconds = 0.0;  ///< that the columns span, from the source's beginning
  double lowest_hz = 30.0;
  double highest_hz = 20000.0;

  /// The frequency at a row's upper edge; rows count down from the highest, evenly in octaves.
  double frequency_hz(double row) const;
  /// And back.
  double row(double frequency_hz) const;
};

/// The levels of a whole source, [row][column]: decibels against a full-scale sine, no less than
/// kQuietestDb, the powers of all channels averaged. Memory does not grow with the source.
/// Threads:  may be called from several threads.
std::vector<float> compute_spectrogram(const audio::AudioSource& source,
                                       const SpectrogramGrid& grid);

inline constexpr float kQuietestDb = -160.0f;

}  // namespace metalaudio::apps
