#pragma once

#include <metalaudio/dsp/biquad_coefficients.h>

#include <cmath>

namespace metalaudio::dsp {

/// A section's coefficients in the form of BiquadLaneRow (cpu/biquad_kernels.h).
struct BiquadLaneSection {
  double beta0, gamma1, gamma2, alpha1, alpha2;
};

inline BiquadLaneSection biquad_lane_section(const BiquadCoefficients& c) noexcept {
  // In this order the sums are exact where a1 is near -2 and a2 near 1, as at low frequencies.
  const double alpha2 = (2.0 + c.a1) + (c.a2 - 1.0);
  return {.beta0 = c.b0,
          .gamma1 = std::fma(-c.a1, c.b0, c.b1),
          .gamma2 = std::fma(-alpha2, c.b0, c.b0 + c.b1 + c.b2),
          .alpha1 = 2.0 + c.a1,
          .alpha2 = alpha2};
}

}  // namespace metalaudio::dsp
