#pragma once

#include <metalaudio/dsp/biquad_coefficients.h>

#include <cstddef>
#include <span>
#include <vector>

namespace metalaudio::dsp {

/// The parts that an octave is cut into.
enum class OctaveFraction : std::size_t { octave = 1, third_octave = 3 };

struct FilterBand {
  double low_hz;     ///< -3 dB
  double center_hz;  ///< exact, not the rounded name: 31.62 Hz for the band called 31.5 Hz
  double high_hz;    ///< -3 dB
};

/// The bands of IEC 61260-1 whose centres lie from low_hz to high_hz: octaves are powers of 10^0.3,
/// and one centre is 1000 Hz. A bound may be a band's rounded name: 125 to 500 Hz are three
/// octaves.
/// Errors:   Error{invalid_argument} unless 0 < low <= high <= 1e6.
std::vector<FilterBand> octave_bands(OctaveFraction fraction, double low_hz, double high_hz);

using FilterSections = std::vector<BiquadCoefficients>;

/// A Butterworth band-pass for every band, of `order` sections. 0: of as few, from 3 on, as keep
/// the limits of class 1 (meets_class_1); near half the sample rate, where the bilinear transform
/// flattens the lower slope, that is up to 6. Tested: the limits of every octave and third of an
/// octave that fits below half of sample rates from 8 to 192 kHz.
/// Errors:   Error{invalid_argument} where a band reaches half the sample rate, and for order 0
///           where none up to 32 keeps the limits, as for bands wider than octaves.
std::vector<FilterSections> design_band_passes(std::span<const FilterBand> bands,
                                               double sample_rate_hz, std::size_t order = 0);

/// Linkwitz-Riley bands between ascending split frequencies, one more than splits; all-passes align
/// their phases, so that they sum to an all-pass.
/// Errors:   as design_linkwitz_riley(), and unless the splits ascend and there is at least one.
std::vector<FilterSections> design_crossover(std::span<const double> splits_hz, std::size_t order,
                                             double sample_rate_hz);

}  // namespace metalaudio::dsp
