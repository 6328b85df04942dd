#include <fmt/ranges.h>
#include <metalaudio/separation/scores.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace metalaudio::separation {
namespace {

std::vector<double> finite(const std::vector<double>& values) {
  std::vector<double> kept;
  std::copy_if(values.begin(), values.end(), std::back_inserter(kept),
               [](double value) { return std::isfinite(value); });
  return kept;
}

std::vector<std::string> stem_names(const std::vector<TrackScore>& tracks) {
  std::vector<std::string> names;
  for (const TrackScore& track : tracks)
    for (const StemScore& stem : track.stems)
      if (std::find(names.begin(), names.end(), stem.stem) == names.end())
        names.push_back(stem.stem);
  return names;
}

}  // namespace

double signal_to_error_db(double signal_energy, double error_energy) {
  if (signal_energy <= 0.0) return kUndefined;
  if (error_energy <= 0.0) return std::numeric_limits<double>::infinity();
  return 10.0 * std::log10(signal_energy / error_energy);
}

double mean(const std::vector<double>& values) {
  const std::vector<double> kept = finite(values);
  if (kept.empty()) return kUndefined;
  double sum = 0.0;
  for (const double value : kept) sum += value;
  return sum / static_cast<double>(kept.size());
}

double median(std::vector<double> values) {
  values = finite(values);
  if (values.empty()) return kUndefined;
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

std::vector<StemSummary> summarize(const std::vector<TrackScore>& tracks) {
  std::vector<StemSummary> summaries;
  for (const std::string& name : stem_names(tracks)) {
    std::vector<double> sdr;
    std::vector<double> improvement;
    StemSummary summary{.stem = name};
    for (const TrackScore& track : tracks) {
      for (const StemScore& stem : track.stems) {
        if (stem.stem != name) continue;
        summary.perfect += std::isinf(stem.sdr_db) ? 1 : 0;
        summary.undefined += std::isnan(stem.sdr_db) ? 1 : 0;
        sdr.push_back(stem.sdr_db);
        improvement.push_back(stem.improvement_db());
      }
    }
    summary.mean_db = mean(sdr);
    summary.median_db = median(sdr);
    summary.mean_improvement_db = mean(improvement);
    summaries.push_back(summary);
  }
  const auto over_stems = [&](double StemSummary::*figure) {
    std::vector<double> values;
    for (const StemSummary& summary : summaries) values.push_back(summary.*figure);
    return mean(values);
  };
  StemSummary all{.stem = "mean",
                  .mean_db = over_stems(&StemSummary::mean_db),
                  .median_db = over_stems(&StemSummary::median_db),
                  .mean_improvement_db = over_stems(&StemSummary::mean_improvement_db)};
  for (const StemSummary& summary : summaries) {
    all.perfect += summary.perfect;
    all.undefined += summary.undefined;
  }
  summaries.push_back(all);
  return summaries;
}

std::vector<std::string> left_out(const std::vector<TrackScore>& tracks) {
  std::vector<std::string> perfect;
  std::vector<std::string> silent;
  for (const TrackScore& track : tracks) {
    for (const StemScore& stem : track.stems) {
      if (std::isinf(stem.sdr_db)) perfect.push_back(stem.stem + " of " + track.track);
      if (std::isnan(stem.sdr_db)) silent.push_back(stem.stem + " of " + track.track);
    }
    if (std::isinf(track.sum_error_db)) perfect.push_back("sum of " + track.track);
  }
  std::vector<std::string> lines;
  if (!perfect.empty())
    lines.push_back(fmt::format("Without any error, left out of mean and median: {}",
                                fmt::join(perfect, ", ")));
  if (!silent.empty())
    lines.push_back(
        fmt::format("Silent reference, left out of mean and median: {}", fmt::join(silent, ", ")));
  return lines;
}

}  // namespace metalaudio::separation
