#pragma once

#include <metalaudio/audio/resampler.h>

#include <filesystem>

namespace metalaudio::apps {

/// Reads a whole response and brings it to a rate. Its samples lie closer or wider apart then: a
/// factor keeps its gain.
/// Errors:   as audio::TrackSource; Error{unsupported} for one that is longer than dsp::Convolution
///           takes; Error{cancelled} on a signal.
audio::Resampled read_impulse_response(const std::filesystem::path& path, int sample_rate_hz,
                                       bool allow_truncated);

}  // namespace metalaudio::apps
