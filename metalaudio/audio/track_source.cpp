#include <fmt/format.h>
#include <metalaudio/audio/convert_channels.h>
#include <metalaudio/audio/downmix.h>
#include <metalaudio/audio/resampler.h>
#include <metalaudio/audio/track_source.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

namespace metalaudio::audio {
namespace {

constexpr std::size_t kBlockFrames = 16384;

template <typename Number>
Number chosen_or(Number chosen, Number own) {
  return chosen == 0 ? own : chosen;
}

float peak_of(ConstAudioView view) {
  float peak = 0.0f;
  for (std::size_t channel = 0; channel < view.channels(); ++channel)
    for (const float sample : view.channel(channel)) peak = std::max(peak, std::abs(sample));
  return peak;
}

}  // namespace

TrackSource::TrackSource(const std::filesystem::path& path, const TrackOptions& options)
    : TrackSource(
          AudioReader(path, {.allow_truncated = options.allow_truncated,
                             .channels_for_mono = std::max<std::size_t>(options.channels, 1)}),
          path, options) {}

TrackSource::TrackSource(AudioReader reader, const std::filesystem::path& path,
                         const TrackOptions& options)
    : audio_(chosen_or(options.channels, reader.format().channels),
             chosen_or(options.sample_rate_hz, reader.format().sample_rate_hz),
             options.memory_limit_bytes),
      file_format_(reader.format()) {
  check_channel_conversion(path.string(), file_format_.channels, channels());
  std::optional<Downmix> downmix;
  if (file_format_.channels > 2 && channels() == 2) {
    if (options.downmix)
      downmix.emplace(path.string(), file_format_.channels, file_format_.channel_mask);
    warnings_.push_back(fmt::format("{}: {}", counted(file_format_.channels, "channel"),
                                    downmix
                                        ? "front + 0.707 centre + 0.707 side and back, without LFE"
                                        : "front left and right are used, the others are not"));
  }
  Resampler resampler(file_format_.sample_rate_hz, sample_rate_hz(), channels());
  AudioBuffer block(file_format_.channels, kBlockFrames);
  std::vector<float> mean;
  float peak = 0.0f;
  std::int64_t done = 0;
  while (const std::size_t got = reader.read(block)) {
    const ConstAudioView in = ConstAudioView(block).part(0, got);
    const ConstAudioView mixed =
        downmix ? downmix->apply(in) : convert_channels(in, channels(), mean);
    if (downmix) peak = std::max(peak, peak_of(mixed));
    append(resampler.process(mixed));
    done += static_cast<std::int64_t>(got);
    const auto whole = static_cast<double>(file_format_.frames.value_or(0));
    if (options.progress)
      options.progress(whole > 0 ? std::min(1.0, static_cast<double>(done) / whole) : 0.0);
  }
  append(resampler.flush());
  if (peak > 1.0f)
    warnings_.push_back(fmt::format("the downmix peaks {:.1f} dB above full scale, unclipped",
                                    20.0f * std::log10(peak)));
  warnings_.insert(warnings_.end(), reader.warnings().begin(), reader.warnings().end());
  file_format_.frames = done;
  if (frames() == 0)
    fail(ErrorCode::invalid_data, "[TrackSource] {}: not a single frame of audio", path.string());
}

void TrackSource::append(ConstAudioView block) {
  statistics_.add(block);
  audio_.append(block);
}

}  // namespace metalaudio::audio
