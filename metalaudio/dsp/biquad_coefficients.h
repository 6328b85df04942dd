#pragma once

#include <complex>
#include <span>

namespace metalaudio::dsp {

/// One second-order section, H(z) = (b0 + b1·z⁻¹ + b2·z⁻²) / (1 + a1·z⁻¹ + a2·z⁻²); as it is made,
/// it passes its input on. First-order sections have b2 = a2 = 0.
struct BiquadCoefficients {
  double b0 = 1.0;
  double b1 = 0.0;
  double b2 = 0.0;
  double a1 = 0.0;
  double a2 = 0.0;

  bool operator==(const BiquadCoefficients&) const = default;
};

/// 1 minus the radius of the outermost pole: positive where the section is stable; NaN if a
/// coefficient is.
double stability_margin(const BiquadCoefficients& section) noexcept;
/// Whether the coefficients are finite and every pole lies inside the unit circle.
bool is_stable(const BiquadCoefficients& section) noexcept;
/// Throws Error{invalid_argument}, naming the operation and the section, unless all are stable.
void check_stable(const char* operation, std::span<const BiquadCoefficients> sections);

/// H at a frequency, of one section or of sections in series.
std::complex<double> response(const BiquadCoefficients& section, double frequency_hz,
                              double sample_rate_hz);
std::complex<double> response(std::span<const BiquadCoefficients> sections, double frequency_hz,
                              double sample_rate_hz);
double response_db(std::span<const BiquadCoefficients> sections, double frequency_hz,
                   double sample_rate_hz);

}  // namespace metalaudio::dsp
