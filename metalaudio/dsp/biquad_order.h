#pragma once

#include <metalaudio/dsp/biquad_coefficients.h>

#include <span>

namespace metalaudio::dsp {

/// Puts sections in series into an order in which no frequency is lost on the way and raised again:
/// rounding between two sections then stays as far below the output as in one. Their product is the
/// same in any order.
/// Errors:   none.
void order_sections(std::span<BiquadCoefficients> sections);

}  // namespace metalaudio::dsp
