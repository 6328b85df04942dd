#pragma once

#include <metalaudio/dsp/biquad/cpu/biquad_kernels.h>
#include <metalaudio/dsp/biquad_coefficients.h>

#include <cmath>
#include <cstddef>

namespace metalaudio::dsp {

/// A section's coefficients in the form of BiquadLaneRow.
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

/// rows: the first row, at the lane.
inline void store_lane(const BiquadLaneSection& section, double* rows, std::size_t lanes) noexcept {
  rows[kBeta0 * lanes] = section.beta0;
  rows[kGamma1 * lanes] = section.gamma1;
  rows[kGamma2 * lanes] = section.gamma2;
  rows[kAlpha1 * lanes] = section.alpha1;
  rows[kAlpha2 * lanes] = section.alpha2;
}

}  // namespace metalaudio::dsp
