#include <metalaudio/core/error.h>
#include <metalaudio/dsp/finite.h>
#include <metalaudio/dsp/oversampler.h>
#include <metalaudio/dsp/resampler/half_band.h>

#include <bit>
#include <cassert>

namespace metalaudio::dsp {

namespace {

/// 100 dB are promised for up and down together. Kaiser's estimate is rough for the short filters
/// of the later stages, which cost little.
constexpr double kFirstAttenuationDb = 110.0;
constexpr double kLaterAttenuationDb = 122.0;

}  // namespace

Oversampler::Oversampler(std::size_t factor, const OversamplerOptions& options)
    : most_frames_(options.most_frames) {
  if (factor == 0 || factor > 8 || !std::has_single_bit(factor)) {
    fail(ErrorCode::invalid_argument, "[Oversampler] {} times: expected 1, 2, 4 or 8", factor);
  }
  constexpr std::size_t kMost = std::size_t{1} << 20;
  if (options.channels == 0 || options.channels > 256 || most_frames_ == 0 ||
      most_frames_ > kMost) {
    fail(ErrorCode::invalid_argument,
         "[Oversampler] {} channels of {} frames: expected 1 to 256 and 1 to {}", options.channels,
         most_frames_, kMost);
  }
  if (!(options.passband >= 0.05 && options.passband <= 0.49)) {
    fail(ErrorCode::invalid_argument, "[Oversampler] a pass band of {}: expected 0.05 to 0.49",
         options.passband);
  }
  const auto stages = static_cast<std::size_t>(std::countr_zero(factor));
  levels_.emplace_back(options.channels, most_frames_);
  for (std::size_t s = 0; s < stages; ++s) {
    const std::size_t frames = most_frames_ << s;
    const double passband = options.passband / static_cast<double>(std::size_t{2} << s);
    // A padded pair delays by 2 side samples of its lower rate, which is a whole number of the
    // lowest from the second stage on if in the third the side is even.
    const HalfBandTaps taps(passband, s == 0 ? kFirstAttenuationDb : kLaterAttenuationDb, s == 2);
    const bool padded = s > 0;
    up_.emplace_back(taps, options.channels, frames);
    down_.emplace_back(taps, options.channels, frames, padded);
    levels_.emplace_back(options.channels, 2 * frames);
    latency_ += (2 * taps.side() - (padded ? 0 : 1)) >> s;
  }
}

Oversampler::~Oversampler() = default;
Oversampler::Oversampler(Oversampler&&) noexcept = default;
Oversampler& Oversampler::operator=(Oversampler&&) noexcept = default;

AudioView Oversampler::up(ConstAudioView in) noexcept {
  assert(in.channels() == levels_[0].channels() && in.frames() <= most_frames_);
  const FlushDenormals flush;
  bool finite = true;
  for (std::size_t c = 0; c < in.channels(); ++c) {
    finite = copy_finite(in.channel(c), levels_[0].channel(c).data()) && finite;
  }
  if (!finite) status_.report(Trouble::input_replaced);
  std::size_t frames = in.frames();
  for (std::size_t s = 0; s < up_.size(); ++s, frames *= 2) {
    up_[s].process(std::as_const(levels_[s]).view().part(0, frames),
                   levels_[s + 1].view().part(0, frames * 2));
  }
  return levels_.back().view().part(0, frames);
}

void Oversampler::down(AudioView out) noexcept {
  assert(out.channels() == levels_[0].channels() && out.frames() <= most_frames_);
  const FlushDenormals flush;
  bool finite = true;
  for (std::size_t c = 0; c < out.channels(); ++c) {
    const std::span<float> made = levels_.back().channel(c).first(out.frames() * factor());
    finite = copy_finite(made, made.data()) && finite;
  }
  if (!finite) status_.report(Trouble::output_silenced);
  if (down_.empty()) {
    for (std::size_t c = 0; c < out.channels(); ++c) {
      std::ranges::copy(levels_[0].channel(c).first(out.frames()), out.channel(c).begin());
    }
    return;
  }
  for (std::size_t s = down_.size(); s-- > 0;) {
    const std::size_t frames = out.frames() << s;
    const ConstAudioView from = std::as_const(levels_[s + 1]).view().part(0, 2 * frames);
    down_[s].process(from, s == 0 ? out : levels_[s].view().part(0, frames));
  }
}

void Oversampler::reset() noexcept {
  for (HalfBandUp& stage : up_) stage.reset();
  for (HalfBandDown& stage : down_) stage.reset();
}

}  // namespace metalaudio::dsp
