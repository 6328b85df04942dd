#pragma once

#include <metalaudio/core/audio_buffer.h>

#include <cstddef>
#include <filesystem>

namespace metalaudio::apps {

/// A response at the rate of what it is for.
struct ImpulseResponse {
  AudioBuffer samples;
  std::size_t lead = 0;  ///< the frames before its time zero
};

/// Reads a whole response and brings it to a rate. Between the samples of another rate a response
/// goes on on both sides of its first one, so it then begins before time zero. Its samples lie
/// closer or wider apart: a factor keeps its gain.
/// Errors:   as audio::TrackSource; Error{unsupported} for one that is longer than dsp::Convolution
///           takes; Error{cancelled} on a signal.
ImpulseResponse read_impulse_response(const std::filesystem::path& path, int sample_rate_hz);

}  // namespace metalaudio::apps
