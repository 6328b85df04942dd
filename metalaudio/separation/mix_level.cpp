#include <metalaudio/audio/mono_statistics.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/mix_level.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace metalaudio::separation {
namespace {

constexpr std::int64_t kBlockFrames = 1 << 16;

[[noreturn]] void fail_not_finite(ConstAudioView block, std::int64_t first_frame) {
  for (std::size_t frame = 0; frame < block.frames(); ++frame)
    for (std::size_t channel = 0; channel < block.channels(); ++channel)
      if (const float value = block.channel(channel)[frame]; !std::isfinite(value))
        fail(ErrorCode::invalid_data, "[Separator] sample {} of channel {} is {}",
             first_frame + static_cast<std::int64_t>(frame), channel + 1, value);
  fail(ErrorCode::invalid_data, "[Separator] samples from {} on are too large", first_frame);
}

}  // namespace

MixLevel measure_level(const audio::AudioSource& mix, const std::stop_token& stop) {
  AudioBuffer block(mix.channels(), kBlockFrames);

  audio::MonoStatistics statistics;
  for (std::int64_t first = 0; first < mix.frames(); first += kBlockFrames) {
    if (stop.stop_requested()) fail(ErrorCode::cancelled, "[Separator] cancelled");
    const auto frames = static_cast<std::size_t>(std::min(kBlockFrames, mix.frames() - first));
    const AudioView read = block.view().part(0, frames);
    mix.read(first, read);
    statistics.add(read);
    if (!std::isfinite(statistics.mean() + statistics.deviation())) fail_not_finite(read, first);
  }
  return {static_cast<float>(statistics.mean()),
          static_cast<float>(statistics.deviation()) + 1e-8F};
}

}  // namespace metalaudio::separation
