#include <metalaudio/dsp/filter_bank/band_limits.h>

#include <array>
#include <cmath>

namespace metalaudio::dsp {

namespace {

/// The octave of the standard, 10^0.3.
const double kOctave = std::pow(10.0, 0.3);

/// Limits of an octave band at kOctave^±power, in decibels of attenuation.
struct PassPoint {
  double power, most;
};
constexpr std::array<PassPoint, 5> kPass{
    {{0.0, 0.3}, {0.125, 0.4}, {0.25, 0.6}, {0.375, 1.3}, {0.5, 5.0}}};
constexpr double kLeastInPass = -0.3;
struct StopPoint {
  double power, least;
};
constexpr std::array<StopPoint, 5> kStop{
    {{0.5, 2.0}, {1.0, 17.5}, {2.0, 42.0}, {3.0, 61.0}, {4.0, 70.0}}};
/// Points on the line from one breakpoint to the next.
constexpr int kSteps = 16;

}  // namespace

bool meets_class_1(const FilterBand& band, std::span<const BiquadCoefficients> sections,
                   double sample_rate_hz) {
  const double scale = (band.high_hz / band.center_hz - 1.0) / (std::sqrt(kOctave) - 1.0);
  const auto ratio = [&](double power) { return 1.0 + scale * (std::pow(kOctave, power) - 1.0); };
  // Attenuations on both sides of the middle, within limits that run straight over log frequency.
  const auto within = [&](double from, double to, auto&& fine) {
    const double log_from = std::log(ratio(from));
    const double log_to = std::log(ratio(to));
    for (int i = 0; i <= kSteps; ++i) {
      const double part = static_cast<double>(i) / kSteps;
      const double off = std::exp(log_from + part * (log_to - log_from));
      for (const double hz : {band.center_hz * off, band.center_hz / off}) {
        if (hz < sample_rate_hz / 2.0 && !fine(-response_db(sections, hz, sample_rate_hz), part)) {
          return false;
        }
      }
    }
    return true;
  };
  bool met = true;
  for (std::size_t i = 1; i < kPass.size() && met; ++i) {
    const PassPoint& from = kPass[i - 1];
    const PassPoint& to = kPass[i];
    met = within(from.power, to.power, [&](double db, double part) {
      return db >= kLeastInPass && db <= from.most + part * (to.most - from.most);
    });
  }
  for (std::size_t i = 1; i < kStop.size() && met; ++i) {
    const StopPoint& from = kStop[i - 1];
    const StopPoint& to = kStop[i];
    met = within(from.power, to.power, [&](double db, double part) {
      return db >= from.least + part * (to.least - from.least);
    });
  }
  return met;
}

}  // namespace metalaudio::dsp
