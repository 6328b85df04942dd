#include <metalaudio/dsp/resampler/kaiser.h>

#include <cmath>
#include <numbers>

namespace metalaudio::dsp {

double bessel_i0(double x) {
  double sum = 1.0;
  double term = 1.0;
  for (int k = 1; term > sum * 1e-17; ++k) {
    const double factor = x / (2.0 * k);
    term *= factor * factor;
    sum += term;
  }
  return sum;
}

double kaiser_beta(double attenuation_db) { return 0.1102 * (attenuation_db - 8.7); }

double kaiser_taps(double attenuation_db, double transition_radians) {
  return (attenuation_db - 7.95) / (2.285 * transition_radians) + 1.0;
}

KaiserSinc::KaiserSinc(double cutoff, double half_width, double beta)
    : cutoff_(cutoff), half_width_(half_width), beta_(beta), at_centre_(bessel_i0(beta)) {}

double KaiserSinc::operator()(double samples) const {
  const double part = samples / half_width_;
  if (std::abs(part) > 1.0) return 0.0;
  const double window = bessel_i0(beta_ * std::sqrt(1.0 - part * part)) / at_centre_;
  const double x = std::numbers::pi * cutoff_ * samples;
  return cutoff_ * window * (x == 0.0 ? 1.0 : std::sin(x) / x);
}

}  // namespace metalaudio::dsp
