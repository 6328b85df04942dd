#pragma once

#include <metalaudio/dsp/biquad_coefficients.h>

#include <cstddef>
#include <variant>
#include <vector>

namespace metalaudio::dsp {

enum class BiquadShape {
  low_pass,
  high_pass,
  band_pass_skirt,  ///< constant skirt gain: the peak's gain is Q
  band_pass,        ///< constant peak gain of 0 dB
  notch,
  all_pass,
  peaking,
  low_shelf,
  high_shelf,
};

/// The three ways to say how wide a shape is; each a type, so that none is taken for another.
struct Q {
  explicit constexpr Q(double q) : value(q) {}
  double value;
};
struct Octaves {  ///< between the −3 dB points, or for peaking between those of half the gain
  explicit constexpr Octaves(double octaves) : value(octaves) {}
  double value;
};
struct ShelfSlope {  ///< shelves only; 1 is as steep as a shelf stays monotonic
  explicit constexpr ShelfSlope(double slope) : value(slope) {}
  double value;
};
using FilterWidth = std::variant<Q, Octaves, ShelfSlope>;

struct BiquadDesign {
  BiquadShape shape = BiquadShape::low_pass;
  double frequency_hz = 1000.0;
  double sample_rate_hz = 48000.0;
  FilterWidth width = Q(0.70710678118654752);
  double gain_db = 0.0;  ///< peaking and shelves
};

/// One section of R. Bristow-Johnson's "Cookbook formulae for audio EQ biquad filter coefficients".
/// Errors:   Error{invalid_argument} unless 0 < frequency < sample rate / 2, the width is positive,
///           a slope belongs to a shelf, the gain lies within ±120 dB, and the poles are such as
///           double can hold: an octave around 0.499 of the rate is too wide.
BiquadCoefficients design_biquad(const BiquadDesign& design);

enum class PassBand { low, high };

/// Butterworth low- or high-pass in sections, sharp and dull ones in turns; −3 dB at the
/// frequency. Here and below, BiquadCascade's output is within 1e-6 of its peak of the formula's at
/// every order: tested on noise and steps, 10 Hz to 0.49 of the rate, 8 to 768 kHz.
/// Errors:   as design_biquad(), and unless 1 <= order <= 256.
std::vector<BiquadCoefficients> design_butterworth(PassBand pass, std::size_t order,
                                                   double frequency_hz, double sample_rate_hz);

/// Butterworth band-pass between two −3 dB edges, 0 dB in the middle: `order` sections, which is a
/// slope of 6·order dB per octave on either side.
/// Errors:   as above, and unless low < high.
std::vector<BiquadCoefficients> design_butterworth_band(std::size_t order, double low_hz,
                                                        double high_hz, double sample_rate_hz);

/// Linkwitz-Riley of an even order: −6 dB at the frequency; the low and the high pass sum to an
/// all-pass. For that, the high pass comes inverted where order / 2 is odd.
/// Errors:   as above, and unless the order is even.
std::vector<BiquadCoefficients> design_linkwitz_riley(PassBand pass, std::size_t order,
                                                      double frequency_hz, double sample_rate_hz);

}  // namespace metalaudio::dsp
