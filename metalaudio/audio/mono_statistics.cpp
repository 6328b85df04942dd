#include <metalaudio/audio/mono_statistics.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

namespace metalaudio::audio {

namespace {

/// Several sums side by side, none of which waits for another.
template <typename Function>
double sum_of(std::span<const float> samples, Function function) {
  std::array<double, 8> sums{};
  std::size_t i = 0;
  for (; i + sums.size() <= samples.size(); i += sums.size())
    for (std::size_t j = 0; j < sums.size(); ++j)
      sums[j] += function(static_cast<double>(samples[i + j]));
  for (; i < samples.size(); ++i) sums[0] += function(static_cast<double>(samples[i]));
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

}  // namespace

void MonoStatistics::add(ConstAudioView block) {
  if (block.frames() == 0 || block.channels() == 0) return;
  std::vector<float> mono(block.frames(), 0.0f);
  for (std::size_t channel = 0; channel < block.channels(); ++channel) {
    const auto samples = block.channel(channel);
    for (std::size_t frame = 0; frame < mono.size(); ++frame) mono[frame] += samples[frame];
  }
  for (float& sample : mono) sample /= static_cast<float>(block.channels());
  const double added = static_cast<double>(mono.size());
  const double block_mean = sum_of(mono, [](double sample) { return sample; }) / added;
  const double block_squares =
      sum_of(mono, [&](double sample) { return (sample - block_mean) * (sample - block_mean); });

  // Chan, Golub, LeVeque 1979: join two sets by their means.
  const double before = static_cast<double>(count_);
  const double all = before + added;
  const double apart = block_mean - mean_;
  mean_ += apart * added / all;
  squares_ += block_squares + apart * apart * before * added / all;
  count_ += static_cast<std::int64_t>(mono.size());
}

double MonoStatistics::deviation() const noexcept {
  return count_ < 2 ? 0.0 : std::sqrt(squares_ / static_cast<double>(count_ - 1));
}

}  // namespace metalaudio::audio
