#pragma once

#include <metalaudio/separation/separator.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "apps/separate_options.h"
#include "apps/stem_plan.h"

namespace metalaudio::apps {

/// One track and the files to make of it.
struct TrackJob {
  std::filesystem::path input;
  std::string label;                           ///< for messages
  std::vector<std::filesystem::path> outputs;  ///< one for each output of the plan
  std::filesystem::path picture;               ///< empty: none
};

/// What became of it.
struct TrackReport {
  double audio_seconds = 0.0;
  double seconds = 0.0;
  int sample_rate_hz = 0;  ///< of the stems
  std::size_t channels = 0;
  std::vector<float> gains;           ///< of the outputs
  std::vector<std::string> warnings;  ///< about the input
};

/// How a caller follows it. What any of them throws ends the separation.
struct TrackProgress {
  std::function<void(const char* activity, double fraction)> other_work;  ///< reading, writing
  std::function<void(double audio_seconds)> begin;
  std::function<void(double fraction)> update;
};

/// Reads a track, separates it and writes its stems; they appear all together at the end.
/// Errors:   throws Error, Error{cancelled} after a signal; then nothing of the outputs stays.
/// Threads:  one call for each Separator at a time.
TrackReport separate_track(const TrackJob& job, const StemPlan& plan,
                           const SeparateOptions& options, separation::Separator& separator,
                           const TrackProgress& progress);

}  // namespace metalaudio::apps
