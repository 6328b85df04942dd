#include "apps/commands/impulse_response.h"

#include <metalaudio/audio/track_source.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <string>
#include <vector>

#include "apps/terminal/console.h"
#include "apps/terminal/failure_text.h"
#include "apps/terminal/interrupt.h"

namespace metalaudio::apps {
namespace {

/// Convolution's own limit: above it the response is not even read into memory.
constexpr std::int64_t kMostFrames = std::int64_t{1} << 26;

}  // namespace

audio::Resampled read_impulse_response(const std::filesystem::path& path, int sample_rate_hz,
                                       bool allow_truncated) {
  audio::TrackOptions options{
      .sample_rate_hz = 0, .channels = 0, .allow_truncated = allow_truncated};
  options.progress = [](double) { throw_if_interrupted(); };
  const audio::TrackSource track(path, options);
  Console console;
  for (const std::string& warning : track.warnings())
    console.line(failure_text(path.string(), "warning: " + warning));
  const int own_rate_hz = track.sample_rate_hz();
  const std::int64_t frames = std::max(
      track.frames(), track.frames() * std::int64_t{sample_rate_hz} / std::int64_t{own_rate_hz});
  if (frames > kMostFrames)
    fail(ErrorCode::unsupported, "{}: a response of {}: at most {}", path.string(),
         counted(frames, "sample"), kMostFrames);
  AudioBuffer samples(track.channels(), static_cast<std::size_t>(track.frames()));
  track.read(0, samples);
  audio::Resampled response = audio::resample_whole(samples, own_rate_hz, sample_rate_hz);
  const float gain = static_cast<float>(own_rate_hz) / static_cast<float>(sample_rate_hz);
  for (std::size_t channel = 0; channel < samples.channels() && gain != 1.0F; ++channel)
    for (float& sample : response.samples.channel(channel)) sample *= gain;
  return response;
}

}  // namespace metalaudio::apps
