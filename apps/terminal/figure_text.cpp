#include "apps/terminal/figure_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace metalaudio::apps {

std::string clock_text(double seconds) {
  const auto total = static_cast<std::int64_t>(std::lround(std::max(seconds, 0.0)));
  if (total < 3600) return fmt::format("{}:{:02}", total / 60, total % 60);
  return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
}

std::string speed_text(double times_real_time) {
  return times_real_time < 1.0 ? fmt::format("{:.2f}", times_real_time)
                               : fmt::format("{:.1f}", times_real_time);
}

std::string memory_text(std::uint64_t bytes) {
  const double mib = static_cast<double>(bytes) / (1024.0 * 1024.0);
  return mib < 1536.0 ? fmt::format("{:.0f} MB", mib) : fmt::format("{:.1f} GB", mib / 1024.0);
}

std::string gain_text(float gain) {
  if (gain >= 1.0F) return "";
  return fmt::format("turned down by {:.2f} dB, so that it does not clip",
                     -20.0F * std::log10(gain));
}

}  // namespace metalaudio::apps
