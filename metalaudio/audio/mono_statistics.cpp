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

MonoStatistics MonoStatistics::of(ConstAudioView block) {
  MonoStatistics found;
  if (block.frames() == 0 || block.channels() == 0) return found;
  std::vector<float> mono(block.frames(), 0.0f);
  for (std::size_t channel = 0; channel < block.channels(); ++channel) {
    const auto samples = block.channel(channel);
    for (std::size_t frame = 0; frame < mono.size(); ++frame) mono[frame] += samples[frame];
  }
  for (float& sample : mono) sample /= static_cast<float>(block.channels());
  found.count_ = static_cast<std::int64_t>(mono.size());
  found.mean_ =
      sum_of(mono, [](double sample) { return sample; }) / static_cast<double>(mono.size());
  found.squares_ =
      sum_of(mono, [&](double sample) { return (sample - found.mean_) * (sample - found.mean_); });
  return found;
}

void MonoStatistics::join(const MonoStatistics& next) noexcept {
  if (next.count_ == 0) return;
  // Chan, Golub, LeVeque 1979: join two sets by their means.
  const double added = static_cast<double>(next.count_);
  const double before = static_cast<double>(count_);
  const double all = before + added;
  const double apart = next.mean_ - mean_;
  mean_ += apart * added / all;
  squares_ += next.squares_ + apart * apart * before * added / all;
  count_ += next.count_;
}

double MonoStatistics::deviation() const noexcept {
  return count_ < 2 ? 0.0 : std::sqrt(squares_ / static_cast<double>(count_ - 1));
}

}  // namespace metalaudio::audio
