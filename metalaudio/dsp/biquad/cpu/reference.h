#pragma once

#include <metalaudio/dsp/biquad_coefficients.h>

#include <span>
#include <vector>

namespace metalaudio::dsp {

/// The scalar reference of every biquad kernel: sections in series by their difference equation, in
/// double, from silence.
/// Errors:   none.
std::vector<double> reference_biquads(std::span<const BiquadCoefficients> sections,
                                      std::span<const float> x);

}  // namespace metalaudio::dsp
