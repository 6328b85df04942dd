#include <metalaudio/separation/stem_limiter.h>

#include <algorithm>
#include <cmath>

namespace metalaudio::separation {
namespace {

constexpr std::size_t kBlockFrames = 512;
/// -1 dBTP, less what a gain that changes may add between samples.
constexpr float kCeiling = 0.8861F;

/// As loudness meters have it: 192 kHz about.
std::size_t oversampling(int sample_rate_hz) {
  return sample_rate_hz < 96000 ? 4 : sample_rate_hz < 192000 ? 2 : 1;
}

}  // namespace

StemLimiter::StemLimiter(std::vector<const audio::AudioSource*> sounds, std::size_t first_of_sum,
                         float gain)
    : sounds_(std::move(sounds)),
      first_of_sum_(first_of_sum),
      gain_(gain),
      read_(sounds_[0]->channels(), kBlockFrames),
      all_((sounds_.size() + 1) * sounds_[0]->channels(), kBlockFrames),
      oversampler_(oversampling(sounds_[0]->sample_rate_hz()),
                   {.channels = all_.channels(), .most_frames = kBlockFrames}),
      limiter_(sounds_[0]->sample_rate_hz(), {.ceiling = kCeiling}),
      // Half of the way up and down, a frame for the one behind, and the limiter's look ahead.
      lead_((oversampler_.latency_samples() + 1) / 2 + 1 + limiter_.latency_samples()),
      peaks_(kBlockFrames) {}

std::span<const float> StemLimiter::next(std::size_t frames) {
  gains_.erase(gains_.begin(), gains_.begin() + static_cast<std::ptrdiff_t>(given_));
  while (gains_.size() < frames) look_ahead();
  given_ = frames;
  return std::span(gains_).first(frames);
}

void StemLimiter::look_ahead() {
  const std::size_t channels = read_.channels();
  const std::size_t sum = sounds_.size() * channels;
  for (std::size_t channel = 0; channel < channels; ++channel)
    std::ranges::fill(all_.channel(sum + channel), 0.0F);
  for (std::size_t i = 0; i < sounds_.size(); ++i) {
    sounds_[i]->read(position_, read_);
    for (std::size_t channel = 0; channel < channels; ++channel) {
      const auto to = all_.channel(i * channels + channel);
      const auto added = all_.channel(sum + channel);
      const auto from = read_.channel(channel);
      for (std::size_t frame = 0; frame < kBlockFrames; ++frame) {
        to[frame] = gain_ * from[frame];
        if (i >= first_of_sum_) added[frame] += to[frame];
      }
    }
  }
  position_ += kBlockFrames;
  const AudioView fine = oversampler_.up(all_);
  const std::size_t factor = oversampler_.factor();
  for (std::size_t frame = 0; frame < kBlockFrames; ++frame) {
    float peak = 0.0F;
    for (std::size_t channel = 0; channel < fine.channels(); ++channel)
      for (const float sample : fine.channel(channel).subspan(frame * factor, factor))
        peak = std::max(peak, std::abs(sample));
    // What lies between two frames belongs to both.
    peaks_[frame] = std::max({before_, last_, peak});
    before_ = last_;
    last_ = peak;
  }
  const std::size_t first = gains_.size();
  gains_.resize(first + kBlockFrames);
  limiter_.process(peaks_, std::span(gains_).subspan(first));
  const std::size_t skipped = std::min(lead_, kBlockFrames);
  lead_ -= skipped;
  gains_.erase(gains_.begin() + static_cast<std::ptrdiff_t>(first),
               gains_.begin() + static_cast<std::ptrdiff_t>(first + skipped));
  for (std::size_t i = first; i < gains_.size(); ++i) {
    least_ = std::min(least_, gains_[i]);
    gains_[i] *= gain_;
  }
}

}  // namespace metalaudio::separation
