#include <metalaudio/separation/output_levels.h>

#include <algorithm>

namespace metalaudio::separation {

void clamp_samples(std::span<float> samples) noexcept {
  constexpr float kLevel = 0.99F;
  for (float& sample : samples) sample = std::clamp(sample, -kLevel, kLevel);
}

float rescale_gain(float peak) noexcept { return 1.0F / std::max(1.01F * peak, 1.0F); }

std::vector<float> output_gains(const std::vector<float>& peaks, ClipMode mode, bool common) {
  std::vector<float> gains;
  for (const float peak : peaks)
    gains.push_back(mode == ClipMode::rescale ? rescale_gain(peak) : 1.0F);
  if (common && !gains.empty())
    std::fill(gains.begin(), gains.end(), *std::min_element(gains.begin(), gains.end()));
  return gains;
}

}  // namespace metalaudio::separation
