#include <metalaudio/core/error.h>
#include <metalaudio/dsp/limiter_gain.h>

#include <algorithm>
#include <cassert>
#include <cmath>

namespace metalaudio::dsp {

LimiterGain::LimiterGain(int sample_rate_hz, const LimiterGainOptions& options)
    : ceiling_(static_cast<double>(options.ceiling)) {
  const auto within = [](double seconds) { return seconds >= 0.0 && seconds <= 10.0; };
  if (sample_rate_hz < 1 || !(options.ceiling > 0.0F) || !within(options.attack_seconds) ||
      !within(options.release_seconds))
    fail(ErrorCode::invalid_argument,
         "[LimiterGain] {} Hz, a ceiling of {}, {} s and {} s: expected 1 Hz or more, a ceiling "
         "above 0 and 0 to 10 s",
         sample_rate_hz, options.ceiling, options.attack_seconds, options.release_seconds);
  window_ = 1 + static_cast<std::size_t>(options.attack_seconds * sample_rate_hz);
  release_ = options.release_seconds > 0.0
                 ? 1.0 - std::exp(-1.0 / (options.release_seconds * sample_rate_hz))
                 : 1.0;
  candidates_.resize(window_);
  held_.resize(window_);
  reset();
}

void LimiterGain::reset() noexcept {
  first_ = count_ = frame_ = 0;
  std::ranges::fill(held_, 1.0);
  sum_ = static_cast<double>(window_);
  gain_ = 1.0;
}

void LimiterGain::process(std::span<const float> peaks, std::span<float> gains) noexcept {
  assert(peaks.size() == gains.size());
  for (std::size_t i = 0; i < peaks.size(); ++i) {
    const double peak = static_cast<double>(peaks[i]);
    const double least = least_of_window(peak > ceiling_ ? ceiling_ / peak : 1.0);
    gain_ = std::min(least, gain_ + release_ * (1.0 - gain_));
    double& oldest = held_[frame_ % window_];
    sum_ += gain_ - oldest;
    oldest = gain_;
    ++frame_;
    // A sum of rounded differences would stray over hours.
    if (frame_ % window_ == 0) {
      sum_ = 0.0;
      for (const double gain : held_) sum_ += gain;
    }
    gains[i] = static_cast<float>(sum_ / static_cast<double>(window_));
  }
}

/// The least of the last window_ gains that were wanted.
/// Source: Lemire, "Streaming maximum-minimum filter using no more than three comparisons per
/// element", 2006
double LimiterGain::least_of_window(double wanted) noexcept {
  const auto at = [&](std::size_t place) -> Candidate& {
    return candidates_[(first_ + place) % window_];
  };
  if (count_ > 0 && at(0).frame + window_ <= frame_) {
    first_ = (first_ + 1) % window_;
    --count_;
  }
  while (count_ > 0 && at(count_ - 1).gain >= wanted) --count_;
  at(count_++) = {frame_, wanted};
  return at(0).gain;
}

}  // namespace metalaudio::dsp
