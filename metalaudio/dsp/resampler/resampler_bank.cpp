#include <metalaudio/dsp/resampler/kaiser.h>
#include <metalaudio/dsp/resampler/resampler_bank.h>

#include <cmath>
#include <numbers>

namespace metalaudio::dsp {

namespace {

/// 120 dB are promised. Rounding and interpolation take 1 dB; Kaiser's estimate is within 2.
constexpr double kAttenuationDb = 128.0;

std::size_t padded(std::size_t taps) { return (taps + 15) / 16 * 16; }

}  // namespace

std::size_t ResamplerBank::filter_taps(double passband, double stopband) {
  const double taps = kaiser_taps(kAttenuationDb, std::numbers::pi * (stopband - passband));
  return 2 * static_cast<std::size_t>(std::ceil(taps / 2.0));
}

ResamplerBank::ResamplerBank(const ResamplerBankOptions& options)
    : delay_(filter_taps(options.passband, options.stopband) / 2), taps_(padded(2 * delay_)) {
  const std::size_t rows = options.phases + (options.interpolated ? 4 : 0);
  table_ = Array<float>(rows * taps_);
  const double delay = static_cast<double>(delay_);
  const KaiserSinc filter(0.5 * (options.passband + options.stopband), delay,
                          kaiser_beta(kAttenuationDb));
  for (std::size_t r = 0; r < rows; ++r) {
    const double index = static_cast<double>(r) - (options.interpolated ? 1.0 : 0.0);
    const double position = index / static_cast<double>(options.phases);
    float* const newest = table_.data() + (r + 1) * taps_ - 1;
    for (std::size_t back = 0; back < 2 * delay_; ++back) {
      *(newest - back) = static_cast<float>(filter(position - delay + static_cast<double>(back)));
    }
  }
}

}  // namespace metalaudio::dsp
