#include <metalaudio/nn/block_guard.h>

#include <algorithm>
#include <cmath>

namespace metalaudio::nn {

bool replace_not_finite(const AudioView& audio) noexcept {
  bool finite = true;
  for (std::size_t c = 0; c < audio.channels(); ++c) {
    for (float& sample : audio.channel(c)) {
      if (std::isfinite(sample)) continue;
      sample = 0.0F;
      finite = false;
    }
  }
  return finite;
}

bool silence_not_finite(const AudioView& audio) noexcept {
  for (std::size_t c = 0; c < audio.channels(); ++c) {
    const std::span<const float> samples = audio.channel(c);
    if (std::ranges::all_of(samples, [](float sample) { return std::isfinite(sample); })) continue;
    for (std::size_t all = 0; all < audio.channels(); ++all)
      std::ranges::fill(audio.channel(all), 0.0F);
    return false;
  }
  return true;
}

}  // namespace metalaudio::nn
