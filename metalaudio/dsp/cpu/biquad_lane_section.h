#pragma once

#include <metalaudio/dsp/biquad_coefficients.h>
#include <metalaudio/dsp/cpu/biquad_kernels.h>

#include <cstddef>

namespace metalaudio::dsp {

/// A section's coefficients in the form of BiquadLaneRow.
struct BiquadLaneSection {
  double beta0, gamma1, gamma2, alpha1, alpha2, sigma;
};

inline BiquadLaneSection biquad_lane_section(const BiquadCoefficients& c) noexcept {
  // Poles past two thirds of the band are nearer to -1, and many digits only if they are close.
  const double sigma = c.a1 > 1.0 ? -1.0 : 1.0;
  return {.beta0 = c.b0,
          .gamma1 = c.b1 - c.a1 * c.b0,
          .gamma2 = c.b0 + sigma * c.b1 + c.b2 - (1.0 + sigma * c.a1 + c.a2) * c.b0,
          .alpha1 = c.a1 + 2.0 * sigma,
          .alpha2 = 1.0 + sigma * c.a1 + c.a2,
          .sigma = sigma};
}

/// rows: the first row, at the lane.
template <typename T>
void store_lane(const BiquadLaneSection& section, T* rows, std::size_t lanes) noexcept {
  rows[kBeta0 * lanes] = static_cast<T>(section.beta0);
  rows[kGamma1 * lanes] = static_cast<T>(section.gamma1);
  rows[kGamma2 * lanes] = static_cast<T>(section.gamma2);
  rows[kAlpha1 * lanes] = static_cast<T>(section.alpha1);
  rows[kAlpha2 * lanes] = static_cast<T>(section.alpha2);
  rows[kSigma * lanes] = static_cast<T>(section.sigma);
}

}  // namespace metalaudio::dsp
