#include <metalaudio/core/error.h>
#include <metalaudio/dsp/resampler/kaiser.h>
#include <metalaudio/dsp/window.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <span>

namespace metalaudio::dsp {

namespace {

/// A sum of cosines with alternating signs: a0 - a1 cos(x) + a2 cos(2x) - …
double cosine_sum(std::span<const double> coefficients, double x) {
  double sum = 0.0;
  double sign = 1.0;
  for (std::size_t k = 0; k < coefficients.size(); ++k, sign = -sign) {
    sum += sign * coefficients[k] * std::cos(static_cast<double>(k) * x);
  }
  return sum;
}

double window_at(const WindowOptions& options, double phase) {
  static constexpr double kHann[] = {0.5, 0.5};
  static constexpr double kHamming[] = {0.54, 0.46};
  static constexpr double kBlackman[] = {0.42, 0.5, 0.08};
  static constexpr double kBlackmanHarris[] = {0.35875, 0.48829, 0.14128, 0.01168};
  const double x = 2.0 * std::numbers::pi * phase;
  switch (options.shape) {
    case WindowShape::rectangular:
      return 1.0;
    case WindowShape::hann:
      return cosine_sum(kHann, x);
    case WindowShape::hamming:
      return cosine_sum(kHamming, x);
    case WindowShape::blackman:
      return cosine_sum(kBlackman, x);
    case WindowShape::blackman_harris:
      return cosine_sum(kBlackmanHarris, x);
    case WindowShape::kaiser: {
      const double r = 2.0 * phase - 1.0;
      const double inside = std::max(0.0, 1.0 - r * r);
      return bessel_i0(options.kaiser_beta * std::sqrt(inside)) / bessel_i0(options.kaiser_beta);
    }
  }
  return 1.0;
}

}  // namespace

std::vector<double> make_window_double(std::size_t size, const WindowOptions& options) {
  constexpr std::size_t kLargest = std::size_t{1} << 31;
  if (size == 0 || size > kLargest) {
    fail(ErrorCode::invalid_argument, "[Window] size {}: expected 1 to {}", size, kLargest);
  }
  // I0 overflows past 700.
  if (!(options.kaiser_beta >= 0.0 && options.kaiser_beta <= 700.0)) {
    fail(ErrorCode::invalid_argument, "[Window] kaiser_beta {}: expected 0 to 700",
         options.kaiser_beta);
  }
  const bool periodic = options.symmetry == WindowSymmetry::periodic;
  const double period = static_cast<double>(periodic ? size : size - 1);
  std::vector<double> window(size);
  for (std::size_t i = 0; i < size; ++i) {
    window[i] = size == 1 ? 1.0 : window_at(options, static_cast<double>(i) / period);
  }
  return window;
}

std::vector<float> make_window(std::size_t size, const WindowOptions& options) {
  const std::vector<double> window = make_window_double(size, options);
  return {window.begin(), window.end()};
}

std::string_view to_string(WindowShape shape) noexcept {
  switch (shape) {
    case WindowShape::rectangular:
      return "rectangular";
    case WindowShape::hann:
      return "hann";
    case WindowShape::hamming:
      return "hamming";
    case WindowShape::blackman:
      return "blackman";
    case WindowShape::blackman_harris:
      return "blackman_harris";
    case WindowShape::kaiser:
      return "kaiser";
  }
  return "unknown";
}

}  // namespace metalaudio::dsp
