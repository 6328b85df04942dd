#include <metalaudio/core/error.h>
#include <metalaudio/dsp/biquad_coefficients.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace metalaudio::dsp {

double stability_margin(const BiquadCoefficients& s) noexcept {
  const double discriminant = s.a1 * s.a1 / 4.0 - s.a2;
  if (discriminant < 0.0) return 1.0 - std::sqrt(s.a2);
  return 1.0 - (std::abs(s.a1) / 2.0 + std::sqrt(discriminant));
}

bool is_stable(const BiquadCoefficients& s) noexcept {
  // The stability triangle: exact where the margin is too small for a square root.
  const bool inside = std::abs(s.a2) < 1.0 && std::abs(s.a1) < 1.0 + s.a2;
  return inside && std::isfinite(s.b0) && std::isfinite(s.b1) && std::isfinite(s.b2);
}

void check_stable(const char* operation, std::span<const BiquadCoefficients> sections) {
  if (sections.empty()) {
    fail(ErrorCode::invalid_argument, "[{}] no sections: expected at least one", operation);
  }
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const BiquadCoefficients& s = sections[i];
    if (is_stable(s)) continue;
    const bool finite = std::isfinite(s.b0) && std::isfinite(s.b1) && std::isfinite(s.b2) &&
                        std::isfinite(s.a1) && std::isfinite(s.a2);
    if (!finite) {
      fail(ErrorCode::invalid_argument,
           "[{}] section {}: b = {}, {}, {}, a = {}, {}: expected finite coefficients", operation,
           i, s.b0, s.b1, s.b2, s.a1, s.a2);
    }
    fail(ErrorCode::invalid_argument,
         "[{}] section {} is unstable: a1 = {}, a2 = {} put a pole at radius {:.6g}, expected < 1",
         operation, i, s.a1, s.a2, 1.0 - stability_margin(s));
  }
}

std::complex<double> response(const BiquadCoefficients& s, double frequency_hz,
                              double sample_rate_hz) {
  const double w = 2.0 * std::numbers::pi * frequency_hz / sample_rate_hz;
  const auto z1 = std::polar(1.0, -w);
  const auto z2 = std::polar(1.0, -2.0 * w);
  return (s.b0 + s.b1 * z1 + s.b2 * z2) / (1.0 + s.a1 * z1 + s.a2 * z2);
}

std::complex<double> response(std::span<const BiquadCoefficients> sections, double frequency_hz,
                              double sample_rate_hz) {
  std::complex<double> product = 1.0;
  for (const auto& section : sections) product *= response(section, frequency_hz, sample_rate_hz);
  return product;
}

double response_db(std::span<const BiquadCoefficients> sections, double frequency_hz,
                   double sample_rate_hz) {
  return 20.0 * std::log10(std::abs(response(sections, frequency_hz, sample_rate_hz)));
}

}  // namespace metalaudio::dsp
