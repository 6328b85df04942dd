#pragma once

#include <metalaudio/dsp/filter_bands.h>

#include <span>

namespace metalaudio::dsp {

/// Whether a filter keeps the limits of class 1 for a band, from the band's width: attenuation in
/// the pass-band and outside, at the standard's breakpoints and on the lines between them, up to
/// half the sample rate. Where IEC 61260-1:2014 and its forerunner (IEC 61260:1995, ANSI
/// S1.11-2004) differ, the stricter limit counts.
/// Errors:   none.
/// Source:   IEC 61260-1:2014, table 1 and formulas (9) and (10).
bool meets_class_1(const FilterBand& band, std::span<const BiquadCoefficients> sections,
                   double sample_rate_hz);

}  // namespace metalaudio::dsp
