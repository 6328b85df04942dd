#pragma once

#include <metalaudio/audio/audio_source.h>
#include <metalaudio/core/thread_pool.h>

#include <stop_token>

namespace metalaudio::separation {

/// Mean and deviation of the mean over channels, as upstream's programs normalise by:
/// (x - mean) / deviation.
struct MixLevel {
  float mean = 0.0F;
  float deviation = 1.0F;  ///< with n - 1 below the sum, plus 1e-8
};

/// One pass over the audio, its blocks side by side on a pool where there is one.
/// Errors:   throws Error{invalid_data} naming the first value that is not finite,
///           Error{cancelled}.
MixLevel measure_level(const audio::AudioSource& mix, const std::stop_token& stop,
                       ThreadPool* pool = nullptr);

}  // namespace metalaudio::separation
