#include "apps/pictures/spectrogram.h"

#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/dsp/stft.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <numeric>

namespace metalaudio::apps {
namespace {

constexpr double kFrameSeconds = 0.1;
constexpr std::size_t kSmallestFrame = 256;
/// A long file has more frames than pixels: so many are looked at for each column.
constexpr std::size_t kMostFramesPerColumn = 4;

/// A power of two near kFrameSeconds, and less for sounds that are not much longer than that.
std::size_t frame_size(const audio::AudioSource& source) {
  const auto wanted = static_cast<std::size_t>(kFrameSeconds * source.sample_rate_hz());
  const auto eighth = static_cast<std::size_t>(source.frames() / 8);
  return std::bit_floor(std::max(kSmallestFrame, std::min(wanted, eighth)));
}

dsp::StftOptions stft_options(std::size_t frame) {
  dsp::StftOptions options;
  options.fft_size = frame;
  return options;
}

/// The power spectra of a source at any place, all channels averaged.
class PowerSpectra {
 public:
  explicit PowerSpectra(const audio::AudioSource& source)
      : source_(source),
        stft_(stft_options(frame_size(source))),
        scratch_(stft_.make_scratch()),
        samples_(source.channels(), stft_.fft_size()),
        spectrum_(stft_.bins()) {
    const auto window = stft_.window();
    const double sum = std::accumulate(window.begin(), window.end(), 0.0);
    scale_ = 4.0 / (sum * sum * static_cast<double>(source.channels()));
  }

  std::size_t bins() const { return stft_.bins(); }
  std::size_t frame() const { return stft_.fft_size(); }

  /// The largest of each bin's old value and its power in the frame about `centre`.
  void raise_to(std::int64_t centre, std::vector<double>& power) {
    source_.read(centre - static_cast<std::int64_t>(stft_.fft_size() / 2), samples_);
    std::vector<double> sum(bins(), 0.0);
    for (std::size_t channel = 0; channel < samples_.channels(); ++channel) {
      stft_.analyze_frame(samples_.channel(channel), spectrum_, scratch_);
      for (std::size_t bin = 0; bin < sum.size(); ++bin)
        sum[bin] += scale_ * std::norm(std::complex<double>(spectrum_[bin]));
    }
    for (std::size_t bin = 0; bin < sum.size(); ++bin) power[bin] = std::max(power[bin], sum[bin]);
  }

 private:
  const audio::AudioSource& source_;
  dsp::Stft stft_;
  dsp::Stft::Scratch scratch_;
  AudioBuffer samples_;
  std::vector<std::complex<float>> spectrum_;
  double scale_ = 1.0;
};

float decibels(double power) {
  return std::max(kQuietestDb, static_cast<float>(10.0 * std::log10(std::max(power, 1e-30))));
}

/// The level between two places, counted in bins: the loudest bin there, or where they are wider
/// than a pixel, what lies on the line between neighbours. Above half the sample rate is nothing.
float level_between(const std::vector<float>& levels, double low, double high) {
  const auto last = static_cast<double>(levels.size() - 1);
  if (low >= last) return kQuietestDb;
  const auto first_inside = static_cast<std::size_t>(std::ceil(std::clamp(low, 0.0, last)));
  const auto last_inside = static_cast<std::size_t>(std::floor(std::clamp(high, 0.0, last)));
  if (first_inside < last_inside)
    return *std::max_element(levels.begin() + static_cast<std::ptrdiff_t>(first_inside),
                             levels.begin() + static_cast<std::ptrdiff_t>(last_inside) + 1);
  const double middle = std::clamp((low + high) / 2, 0.0, last);
  const auto below = static_cast<std::size_t>(middle);
  const std::size_t above = std::min(below + 1, levels.size() - 1);
  return std::lerp(levels[below], levels[above],
                   static_cast<float>(middle - static_cast<double>(below)));
}

}  // namespace

double SpectrogramGrid::frequency_hz(double row) const {
  return highest_hz * std::pow(lowest_hz / highest_hz, row / static_cast<double>(rows));
}

double SpectrogramGrid::row(double frequency_hz) const {
  return static_cast<double>(rows) * std::log(frequency_hz / highest_hz) /
         std::log(lowest_hz / highest_hz);
}

std::vector<float> compute_spectrogram(const audio::AudioSource& source,
                                       const SpectrogramGrid& grid) {
  PowerSpectra spectra(source);
  std::vector<float> pixels(grid.rows * grid.columns, kQuietestDb);
  std::vector<double> power(spectra.bins());
  std::vector<float> levels(spectra.bins());
  const double bin_hz =
      static_cast<double>(source.sample_rate_hz()) / static_cast<double>(spectra.frame());
  const double step = grid.seconds * source.sample_rate_hz() / static_cast<double>(grid.columns);
  const auto half = static_cast<double>(spectra.frame() / 2);
  const std::size_t looks =
      std::clamp(static_cast<std::size_t>(step / half), std::size_t{1}, kMostFramesPerColumn);
  for (std::size_t column = 0; column < grid.columns; ++column) {
    if (step * static_cast<double>(column) >= static_cast<double>(source.frames())) break;
    std::ranges::fill(power, 0.0);
    for (std::size_t look = 0; look < looks; ++look) {
      const double part = (static_cast<double>(look) + 0.5) / static_cast<double>(looks);
      spectra.raise_to(static_cast<std::int64_t>(step * (static_cast<double>(column) + part)),
                       power);
    }
    std::ranges::transform(power, levels.begin(), decibels);
    for (std::size_t row = 0; row < grid.rows; ++row) {
      const double high = grid.frequency_hz(static_cast<double>(row)) / bin_hz;
      const double low = grid.frequency_hz(static_cast<double>(row + 1)) / bin_hz;
      pixels[row * grid.columns + column] = level_between(levels, low, high);
    }
  }
  return pixels;
}

}  // namespace metalaudio::apps
