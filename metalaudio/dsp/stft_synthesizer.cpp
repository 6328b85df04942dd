#include <metalaudio/core/error.h>
#include <metalaudio/dsp/finite.h>
#include <metalaudio/dsp/stft_synthesizer.h>

#include <algorithm>

namespace metalaudio::dsp {

StftSynthesizer::StftSynthesizer(const StftOptions& options)
    : stft_(options),
      scratch_(stft_.make_scratch()),
      frame_(stft_.fft_size()),
      sum_(stft_.fft_size(), 0.0F),
      gain_(stft_.hop_samples()),
      out_(stft_.hop_samples()) {
  if (options.center || options.padding != StftPadding::reflect) {
    fail(ErrorCode::invalid_argument,
         "[StftSynthesizer] a running signal has no centring or padding");
  }
  std::vector<double> overlap(gain_.size(), 0.0);
  const auto window = stft_.window();
  for (std::size_t i = 0; i < window.size(); ++i) {
    overlap[i % overlap.size()] += static_cast<double>(window[i]) * window[i];
  }
  for (std::size_t i = 0; i < gain_.size(); ++i) {
    if (overlap[i] < 1e-11) {  // torch.istft's own bound
      fail(ErrorCode::invalid_argument,
           "[StftSynthesizer] hop {} of a window of {}: sample {} of a hop is lost", gain_.size(),
           window.size(), i);
    }
    gain_[i] = static_cast<float>(1.0 / overlap[i]);
  }
}

std::span<const float> StftSynthesizer::add(std::span<const Complex> spectrum) noexcept {
  stft_.synthesize_frame(spectrum, frame_, scratch_);
  if (!copy_finite(frame_, frame_.data())) status_.report(Trouble::output_silenced);
  for (std::size_t i = 0; i < sum_.size(); ++i) sum_[i] += frame_[i];
  for (std::size_t i = 0; i < out_.size(); ++i) out_[i] = sum_[i] * gain_[i];
  const auto hop = static_cast<std::ptrdiff_t>(out_.size());
  std::copy(sum_.begin() + hop, sum_.end(), sum_.begin());
  std::fill(sum_.end() - hop, sum_.end(), 0.0F);
  return out_;
}

void StftSynthesizer::reset() noexcept { std::fill(sum_.begin(), sum_.end(), 0.0F); }

}  // namespace metalaudio::dsp
