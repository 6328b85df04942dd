#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace metalaudio::separation {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

/// 10·log10(signal / error), from energies; infinite without error, undefined (NaN) without signal.
double signal_to_error_db(double signal_energy, double error_energy);

/// Global signal-to-distortion ratios of one stem of one track.
struct StemScore {
  std::string stem;
  double sdr_db = kUndefined;      ///< undefined where the reference is silent
  double mix_sdr_db = kUndefined;  ///< of the mix taken as the estimate
  double improvement_db() const { return sdr_db - mix_sdr_db; }
};

struct TrackScore {
  std::string track;
  std::vector<StemScore> stems;
  /// The energy of mix − Σ estimates relative to the mix's, in dB: lower is better. Undefined
  /// unless every stem has an estimate.
  double sum_error_db = kUndefined;
};

/// Over the tracks in which the figure is defined.
struct StemSummary {
  std::string stem;
  double mean_db = kUndefined;
  double median_db = kUndefined;
  double mean_improvement_db = kUndefined;
  std::size_t perfect = 0;    ///< estimates without any error, left out of the figures
  std::size_t undefined = 0;  ///< silent references, left out too
};

/// Undefined and infinite values are left out of both.
double mean(const std::vector<double>& values);
double median(std::vector<double> values);

/// A line for each kind of ratio that the means and medians leave out, with the stems that have it:
/// estimates without any error, whose ratio is infinite, and silent references, which have none.
std::vector<std::string> left_out(const std::vector<TrackScore>& tracks);

/// One for each stem, in the order in which the tracks have them; last, named "mean", the means
/// over the stems.
std::vector<StemSummary> summarize(const std::vector<TrackScore>& tracks);

}  // namespace metalaudio::separation
