#include <metalaudio/audio/mono_statistics.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/for_each_index.h>
#include <metalaudio/separation/mix_level.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

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

bool is_finite(const audio::MonoStatistics& statistics) {
  return std::isfinite(statistics.mean() + statistics.deviation());
}

}  // namespace

MixLevel measure_level(const audio::AudioSource& mix, const std::stop_token& stop,
                       ThreadPool* pool) {
  const std::int64_t blocks = (mix.frames() + kBlockFrames - 1) / kBlockFrames;
  std::vector<audio::MonoStatistics> found(static_cast<std::size_t>(blocks));
  for_each_index(pool, found.size(), [&](std::size_t index) {
    if (stop.stop_requested()) fail(ErrorCode::cancelled, "[Separator] cancelled");
    const std::int64_t first = static_cast<std::int64_t>(index) * kBlockFrames;
    AudioBuffer block(mix.channels(),
                      static_cast<std::size_t>(std::min(kBlockFrames, mix.frames() - first)));
    mix.read(first, block);
    found[index] = audio::MonoStatistics::of(block);
    if (!is_finite(found[index])) fail_not_finite(block, first);
  });
  audio::MonoStatistics all;
  for (std::size_t index = 0; index < found.size(); ++index) {
    all.join(found[index]);
    if (!is_finite(all)) fail_not_finite({}, static_cast<std::int64_t>(index) * kBlockFrames);
  }
  return {static_cast<float>(all.mean()), static_cast<float>(all.deviation()) + 1e-8F};
}

}  // namespace metalaudio::separation
