#pragma once

#include <metalaudio/models/open_devices.h>
#include <metalaudio/separation/stem_plan.h>
#include <metalaudio/separation/track_separation.h>

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <memory>
#include <string>

#include "apps/batch/manifest.h"
#include "apps/commands/model_choice.h"
#include "apps/commands/track_jobs.h"
#include "apps/options/separate_options.h"
#include "apps/terminal/console.h"

namespace metalaudio::apps {

/// What a separation tells: a person on standard error, programs in lines of JSON on standard
/// output, and the manifest.
/// Errors:   throws Error{io} where standard output or the manifest refuses.
/// Threads:  any.
class SeparationReport {
 public:
  SeparationReport(const SeparateOptions& options, const ModelChoice& model,
                   const models::OpenDevices& devices, const separation::StemPlan& plan,
                   Console& console);

  void event(const std::string& label, nlohmann::json line) const;
  void left(const TrackJob& job, const char* status, const std::string& reason);
  void failure(const TrackJob& job, const std::string& reason);
  void success(const TrackJob& job, const separation::TrackReport& report);

  struct Sum {
    std::size_t tracks = 0;
    std::size_t done = 0;
    std::size_t left = 0;
    double audio_seconds = 0.0;
    double seconds = 0.0;
  };
  void all(const Sum& sum);

 private:
  void tell(nlohmann::json line);
  void tell_levels(const TrackJob& job, const separation::TrackReport& report);
  std::string place_of(const TrackJob& job) const;

  const SeparateOptions& options_;
  const ModelChoice& model_;
  const models::OpenDevices& devices_;
  const separation::StemPlan& plan_;
  Console& console_;
  std::unique_ptr<Manifest> manifest_;  // null: none
};

}  // namespace metalaudio::apps
