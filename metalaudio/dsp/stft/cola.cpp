#include <metalaudio/dsp/stft.h>

#include <fmt/format.h>
#include <algorithm>
#include <cmath>

namespace metalaudio::dsp {

ColaResult validate_cola(std::span<const float> window, std::size_t hop_samples) {
  if (window.empty() || hop_samples == 0 || hop_samples > window.size()) {
    return {false, 1.0,
            fmt::format("hop {} with a window of {} samples: expected 1 to {}", hop_samples,
                        window.size(), window.size())};
  }
  std::vector<double> sum(hop_samples, 0.0);
  for (std::size_t i = 0; i < window.size(); ++i) sum[i % hop_samples] += window[i];
  double mean = 0.0;
  for (const double s : sum) mean += s / static_cast<double>(hop_samples);
  double worst = 0.0;
  for (const double s : sum) worst = std::max(worst, std::abs(s - mean));
  // The Hamming window, whose deviation at 75 % overlap rounding alone decides, sets the bound.
  constexpr double kAllowed = 1e-3;
  const double deviation = mean > 0.0 ? worst / mean : 1.0;
  const bool ok = deviation <= kAllowed;
  return {ok, deviation,
          fmt::format("hop {} of {}: the windows' sum varies by {:.3g} %{}", hop_samples,
                      window.size(), 100.0 * deviation, ok ? "" : ", more than 0.1 %")};
}

}  // namespace metalaudio::dsp
