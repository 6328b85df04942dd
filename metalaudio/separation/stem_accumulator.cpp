#include <metalaudio/separation/stem_accumulator.h>

#include <algorithm>
#include <cassert>

namespace metalaudio::separation {

void StemAccumulator::move(std::size_t row, std::size_t frames) {
  const std::span<float> sums = sums_.channel(row);
  const std::span<float> kept = sums.subspan(std::min(frames, sums.size()));
  std::ranges::fill(std::ranges::copy(kept, sums.begin()).out, sums.end(), 0.0F);
}

void StemAccumulator::add(std::size_t row, std::int64_t first, float gain,
                          std::span<const float> weights, std::span<const float> samples) {
  const auto late = static_cast<std::size_t>(std::max<std::int64_t>(0, -first));
  const std::size_t skip = std::min(late, samples.size());
  const std::size_t count = samples.size() - skip;
  if (count == 0) return;
  const auto place = static_cast<std::size_t>(std::max<std::int64_t>(0, first));
  assert(place + count <= sums_.frames());
  float* sum = sums_.channel(row).data() + place;
  const float* weight = weights.data() + skip;
  const float* sample = samples.data() + skip;
  for (std::size_t i = 0; i < count; ++i) sum[i] += gain * (weight[i] * sample[i]);
}

void StemAccumulator::replace(std::size_t row, std::span<const float> sums) {
  const std::span<float> own = sums_.channel(row);
  std::ranges::fill(std::ranges::copy(sums, own.begin()).out, own.end(), 0.0F);
}

}  // namespace metalaudio::separation
