#include <metalaudio/separation/stem_accumulator.h>

#include <algorithm>
#include <cassert>

namespace metalaudio::separation {

StemAccumulator::StemAccumulator(std::size_t stems, std::size_t channels,
                                 std::size_t window_frames) {
  for (std::size_t stem = 0; stem < stems; ++stem) stems_.emplace_back(channels, window_frames);
}

void StemAccumulator::add(std::size_t stem, std::size_t channel, std::int64_t first, float gain,
                          std::span<const float> weights, std::span<const float> samples) {
  const std::int64_t late = std::max<std::int64_t>(0, first_frame_ - first);
  const std::size_t skip = std::min(static_cast<std::size_t>(late), samples.size());
  const std::size_t count = samples.size() - skip;
  if (count == 0) return;
  const auto place = static_cast<std::size_t>(first + late - first_frame_);
  assert(place + count <= stems_[stem].frames());
  float* sum = stems_[stem].channel(channel).data() + place;
  const float* weight = weights.data() + skip;
  const float* sample = samples.data() + skip;
  for (std::size_t i = 0; i < count; ++i) sum[i] += gain * (weight[i] * sample[i]);
}

std::span<const float> StemAccumulator::front(std::size_t stem, std::size_t channel,
                                              std::size_t frames, std::size_t skipped) const {
  return stems_[stem].channel(channel).subspan(skipped, frames);
}

void StemAccumulator::drop(std::size_t frames) {
  for (AudioBuffer& stem : stems_)
    for (std::size_t channel = 0; channel < stem.channels(); ++channel) {
      const std::span<float> samples = stem.channel(channel);
      const auto rest = std::move(samples.begin() + static_cast<std::ptrdiff_t>(frames),
                                  samples.end(), samples.begin());
      std::fill(rest, samples.end(), 0.0F);
    }
  first_frame_ += static_cast<std::int64_t>(frames);
}

}  // namespace metalaudio::separation
