#pragma once

#include <metalaudio/dsp/biquad/cpu/biquad_kernels.h>
#include <metalaudio/dsp/biquad/lane_section.h>

#include <cstddef>

namespace metalaudio::dsp {

/// rows: the first row, at the lane.
inline void store_lane(const BiquadLaneSection& section, double* rows, std::size_t lanes) noexcept {
  rows[kBeta0 * lanes] = section.beta0;
  rows[kGamma1 * lanes] = section.gamma1;
  rows[kGamma2 * lanes] = section.gamma2;
  rows[kAlpha1 * lanes] = section.alpha1;
  rows[kAlpha2 * lanes] = section.alpha2;
}

}  // namespace metalaudio::dsp
