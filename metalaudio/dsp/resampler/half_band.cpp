#include <metalaudio/dsp/convolution/cpu/convolution_kernels.h>
#include <metalaudio/dsp/resampler/half_band.h>
#include <metalaudio/dsp/resampler/kaiser.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

namespace metalaudio::dsp {

namespace {

constexpr std::size_t kReadPast = 16;  // floats that the kernel may read past the last

void move_to_front(std::span<float> samples, std::size_t kept, std::size_t frames) noexcept {
  std::memmove(samples.data(), samples.data() + frames, kept * sizeof(float));
}

void clear(AudioBuffer& buffer) noexcept {
  for (std::size_t c = 0; c < buffer.channels(); ++c) std::ranges::fill(buffer.channel(c), 0.0F);
}

}  // namespace

HalfBandTaps::HalfBandTaps(double passband, double attenuation_db, bool even_side) {
  const double transition = 2.0 * std::numbers::pi * (0.5 - 2.0 * passband);
  const double whole = kaiser_taps(attenuation_db, transition);
  auto half = static_cast<std::size_t>(std::ceil((whole + 1.0) / 4.0));
  if (even_side) half += half % 2;
  taps = Array<float>(2 * half);
  const KaiserSinc filter(0.5, 2.0 * static_cast<double>(half), kaiser_beta(attenuation_db));
  double sum = 0.0;
  const auto at = [&](std::size_t t) {
    return filter(2.0 * static_cast<double>(t) + 1.0 - 2.0 * static_cast<double>(half));
  };
  for (std::size_t t = 0; t < taps.size(); ++t) sum += at(t);
  for (std::size_t t = 0; t < taps.size(); ++t) taps[t] = static_cast<float>(at(t) / sum);
}

HalfBandUp::HalfBandUp(const HalfBandTaps& taps, std::size_t channels, std::size_t most_frames)
    : kernels_(&convolution_kernels()),
      taps_(taps.taps),
      history_(channels, taps_.size() - 1 + most_frames + kReadPast),
      between_(most_frames) {}

void HalfBandUp::process(const ConstAudioView& in, const AudioView& out) noexcept {
  const std::size_t kept = taps_.size() - 1, side = taps_.size() / 2, frames = in.frames();
  for (std::size_t c = 0; c < in.channels(); ++c) {
    const std::span<float> history = history_.channel(c);
    std::ranges::copy(in.channel(c), history.begin() + std::ptrdiff_t(kept));
    const float* const x = history.data() + kept;
    std::fill_n(between_.begin(), frames, 0.0F);
    kernels_->direct(x, taps_.data(), taps_.size(), frames, between_.data());
    float* const y = out.channel(c).data();
    const float* const centre = x - side;
    for (std::size_t i = 0; i < frames; ++i) {
      y[2 * i] = centre[i];
      y[2 * i + 1] = between_[i];
    }
    move_to_front(history, kept, frames);
  }
}

void HalfBandUp::reset() noexcept { clear(history_); }

HalfBandDown::HalfBandDown(const HalfBandTaps& taps, std::size_t channels, std::size_t most_frames,
                           bool padded)
    : kernels_(&convolution_kernels()),
      taps_(taps.taps),
      pad_(padded ? 1 : 0),
      even_(channels, taps_.size() + most_frames),
      odd_(channels, taps_.size() + most_frames + kReadPast),
      sum_(most_frames) {
  for (float& tap : taps_) tap *= 0.5F;
}

void HalfBandDown::process(const ConstAudioView& in, const AudioView& out) noexcept {
  const std::size_t kept = taps_.size(), side = taps_.size() / 2, frames = out.frames();
  for (std::size_t c = 0; c < out.channels(); ++c) {
    const float* const v = in.channel(c).data();
    float* const even = even_.channel(c).data() + kept;
    float* const odd = odd_.channel(c).data() + kept;
    for (std::size_t i = 0; i < frames; ++i) {
      even[i] = v[2 * i];
      odd[i] = v[2 * i + 1];
    }
    const float* const centre = even + 1 - side - pad_;
    for (std::size_t i = 0; i < frames; ++i) sum_[i] = 0.5F * centre[i];
    kernels_->direct(odd - pad_, taps_.data(), taps_.size(), frames, sum_.data());
    std::copy_n(sum_.begin(), frames, out.channel(c).begin());
    move_to_front(even_.channel(c), kept, frames);
    move_to_front(odd_.channel(c), kept, frames);
  }
}

void HalfBandDown::reset() noexcept {
  clear(even_);
  clear(odd_);
}

}  // namespace metalaudio::dsp
