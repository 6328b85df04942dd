#pragma once

#include <cstddef>

namespace metalaudio::dsp {

/// The modified Bessel function I0, by its power series; exact to double for the betas in use.
double bessel_i0(double x);

/// Kaiser's estimates for a low-pass whose ripple and stop band are both `attenuation_db` (> 50):
/// the window's beta, and the taps for a transition of so many radians per sample.
/// Source:   Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", 1974.
double kaiser_beta(double attenuation_db);
double kaiser_taps(double attenuation_db, double transition_radians);

/// A sinc under a Kaiser window, as a function of time in samples: an ideal low-pass at `cutoff`
/// parts of the Nyquist frequency, cut off `half_width` samples from its centre.
class KaiserSinc {
 public:
  KaiserSinc(double cutoff, double half_width, double beta);
  double operator()(double samples) const;

 private:
  double cutoff_;
  double half_width_;
  double beta_;
  double at_centre_;
};

}  // namespace metalaudio::dsp
