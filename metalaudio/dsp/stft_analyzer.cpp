#include <metalaudio/core/error.h>
#include <metalaudio/dsp/finite.h>
#include <metalaudio/dsp/stft_analyzer.h>

#include <algorithm>

namespace metalaudio::dsp {

namespace {

const StftOptions& streaming(const StftOptions& options) {
  if (options.center || options.padding != StftPadding::reflect) {
    fail(ErrorCode::invalid_argument, "[StftAnalyzer] a running signal has no centring or padding");
  }
  // The frame keeps no more of the past than it is long.
  if (options.hop_samples > options.fft_size) {
    fail(ErrorCode::invalid_argument,
         "[StftAnalyzer] hop of {} samples: expected at most fft_size {}", options.hop_samples,
         options.fft_size);
  }
  return options;
}

}  // namespace

StftAnalyzer::StftAnalyzer(const StftOptions& options)
    : stft_(streaming(options)),
      scratch_(stft_.make_scratch()),
      frame_(stft_.fft_size(), 0.0F),
      spectrum_(stft_.bins()) {}

std::size_t StftAnalyzer::take(std::span<const float> x) noexcept {
  const std::size_t hop = stft_.hop_samples();
  const std::size_t count = std::min(x.size(), hop - filled_);
  const std::size_t at = frame_.size() - hop + filled_;
  if (!copy_finite(x.first(count), frame_.data() + at)) status_.report(Trouble::input_replaced);
  filled_ += count;
  return count;
}

std::span<StftAnalyzer::Complex> StftAnalyzer::transform() noexcept {
  stft_.analyze_frame(frame_, spectrum_, scratch_);
  std::copy(frame_.begin() + static_cast<std::ptrdiff_t>(stft_.hop_samples()), frame_.end(),
            frame_.begin());
  filled_ = 0;
  return spectrum_;
}

void StftAnalyzer::reset() noexcept {
  std::fill(frame_.begin(), frame_.end(), 0.0F);
  filled_ = 0;
}

}  // namespace metalaudio::dsp
