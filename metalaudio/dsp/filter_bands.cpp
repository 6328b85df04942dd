#include <metalaudio/core/error.h>
#include <metalaudio/dsp/biquad_design.h>
#include <metalaudio/dsp/filter_bands.h>
#include <metalaudio/dsp/filter_bank/band_limits.h>

#include <cmath>

namespace metalaudio::dsp {

namespace {

/// What a low and a high pass of a split sum to: the Butterworth poles with mirrored zeros.
FilterSections all_pass_of(std::size_t order, double split_hz, double sample_rate_hz) {
  auto sections = design_butterworth(PassBand::low, order / 2, split_hz, sample_rate_hz);
  for (BiquadCoefficients& s : sections) {
    const bool first_order = s.a2 == 0.0 && s.b2 == 0.0;
    s.b0 = first_order ? s.a1 : s.a2;
    s.b1 = first_order ? 1.0 : s.a1;
    s.b2 = first_order ? 0.0 : 1.0;
  }
  return sections;
}

FilterSections class_1_band_pass(const FilterBand& band, double sample_rate_hz) {
  constexpr std::size_t kFirst = 3;
  constexpr std::size_t kLast = 32;
  for (std::size_t order = kFirst; order <= kLast; ++order) {
    auto sections = design_butterworth_band(order, band.low_hz, band.high_hz, sample_rate_hz);
    if (meets_class_1(band, sections, sample_rate_hz)) return sections;
  }
  fail(ErrorCode::invalid_argument,
       "[design_band_passes] {} to {} Hz around {} Hz: no order up to {} keeps the limits of class "
       "1; give one",
       band.low_hz, band.high_hz, band.center_hz, kLast);
}

}  // namespace

std::vector<FilterBand> octave_bands(OctaveFraction fraction, double low_hz, double high_hz) {
  if (!(low_hz > 0.0 && low_hz <= high_hz && high_hz <= 1e6)) {
    fail(ErrorCode::invalid_argument,
         "[octave_bands] {} to {} Hz: expected a range above 0, up to 1e6 Hz", low_hz, high_hz);
  }
  const double step = 0.3 / static_cast<double>(fraction);  // in powers of ten
  // Names are up to 0.95 % off the exact centres: 1.2 % lets them in.
  constexpr double kNameOff = 1.012;
  const double first = std::ceil(std::log10(low_hz / kNameOff / 1000.0) / step);
  const double last = std::floor(std::log10(high_hz * kNameOff / 1000.0) / step);
  std::vector<FilterBand> bands;
  for (double i = first; i <= last; ++i) {
    const auto at = [&](double k) { return 1000.0 * std::pow(10.0, step * k); };
    bands.push_back({at(i - 0.5), at(i), at(i + 0.5)});
  }
  return bands;
}

std::vector<FilterSections> design_band_passes(std::span<const FilterBand> bands,
                                               double sample_rate_hz, std::size_t order) {
  std::vector<FilterSections> filters;
  for (const FilterBand& band : bands) {
    filters.push_back(
        order == 0 ? class_1_band_pass(band, sample_rate_hz)
                   : design_butterworth_band(order, band.low_hz, band.high_hz, sample_rate_hz));
  }
  return filters;
}

std::vector<FilterSections> design_crossover(std::span<const double> splits_hz, std::size_t order,
                                             double sample_rate_hz) {
  if (splits_hz.empty()) fail(ErrorCode::invalid_argument, "[design_crossover] no splits");
  for (std::size_t i = 1; i < splits_hz.size(); ++i) {
    if (splits_hz[i] > splits_hz[i - 1]) continue;
    fail(ErrorCode::invalid_argument, "[design_crossover] {} Hz after {} Hz: expected to ascend",
         splits_hz[i], splits_hz[i - 1]);
  }
  std::vector<FilterSections> bands(splits_hz.size() + 1);
  for (std::size_t split = 0; split < splits_hz.size(); ++split) {
    const double hz = splits_hz[split];
    const auto low = design_linkwitz_riley(PassBand::low, order, hz, sample_rate_hz);
    const auto high = design_linkwitz_riley(PassBand::high, order, hz, sample_rate_hz);
    const auto all = all_pass_of(order, hz, sample_rate_hz);
    for (std::size_t band = 0; band < bands.size(); ++band) {
      // Bands above a split have been cut by it, the one below it ends there, others just wait.
      const FilterSections& part = band > split ? high : band == split ? low : all;
      bands[band].insert(bands[band].end(), part.begin(), part.end());
    }
  }
  return bands;
}

}  // namespace metalaudio::dsp
