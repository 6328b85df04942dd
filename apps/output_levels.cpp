#include "apps/output_levels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace metalaudio::apps {

std::vector<float> output_gains(const std::vector<float>& peaks, ClipMode mode, bool common) {
  std::vector<float> gains;
  for (const float peak : peaks)
    gains.push_back(mode == ClipMode::rescale ? 1.0F / std::max(1.01F * peak, 1.0F) : 1.0F);
  if (common && !gains.empty())
    std::fill(gains.begin(), gains.end(), *std::min_element(gains.begin(), gains.end()));
  return gains;
}

std::string gain_text(float gain) {
  if (gain >= 1.0F) return "";
  return fmt::format("turned down by {:.2f} dB, so that it does not clip",
                     -20.0F * std::log10(gain));
}

}  // namespace metalaudio::apps
