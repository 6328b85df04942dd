#include <metalaudio/audio/mono_statistics.h>

#include <cmath>
#include <vector>

namespace metalaudio::audio {

void MonoStatistics::add(ConstAudioView block) {
  if (block.frames() == 0 || block.channels() == 0) return;
  std::vector<float> mono(block.frames(), 0.0f);
  for (std::size_t channel = 0; channel < block.channels(); ++channel) {
    const auto samples = block.channel(channel);
    for (std::size_t frame = 0; frame < mono.size(); ++frame) mono[frame] += samples[frame];
  }
  double sum = 0.0;
  for (float& sample : mono) sum += sample /= static_cast<float>(block.channels());
  const double added = static_cast<double>(mono.size());
  const double block_mean = sum / added;
  double block_squares = 0.0;
  for (const float sample : mono) block_squares += (sample - block_mean) * (sample - block_mean);

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
