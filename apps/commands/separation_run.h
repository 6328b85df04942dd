#pragma once

#include <metalaudio/models/open_devices.h>
#include <metalaudio/separation/track_separation.h>

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/batch/manifest.h"
#include "apps/batch/track_turn.h"
#include "apps/commands/model_choice.h"
#include "apps/commands/track_jobs.h"
#include "apps/terminal/console.h"

namespace metalaudio::apps {

/// Separates the tracks of one command, several at a time where asked to, and reports each.
/// Threads:  run() starts its own and joins them.
class SeparationRun {
 public:
  SeparationRun(const SeparateOptions& options, const ModelChoice& model,
                const models::OpenDevices& devices, const separation::StemPlan& plan,
                std::vector<PlannedTrack> tracks, Console& console);

  /// Returns the exit status.
  /// Errors:   throws what load_separator throws, Error{io} where standard output is closed, and
  ///           Error{cancelled} after a signal.
  int run();

 private:
  struct Shared;
  using LoadSeparator = std::function<separation::Separator&()>;
  void work(Shared& shared, std::size_t threads);
  separation::Separator load_separator(ThreadPool& pool) const;
  models::ModelOptions model_options() const;
  void settle(Shared& shared, std::size_t index, const LoadSeparator& load);
  void put_off(Shared& shared, std::size_t index);
  void separate(Shared& shared, std::size_t index, TrackTurn& turn,
                separation::Separator& separator);
  separation::TrackControl control_of(Shared& shared, std::size_t index) const;
  separation::TrackReport separate_track(const TrackJob& job, separation::Separator& separator,
                                         const separation::TrackControl& control) const;
  void tell(nlohmann::json line);
  void tell_event(const std::string& label, nlohmann::json line) const;
  void report_left(const TrackJob& job, const char* status, const std::string& reason);
  void report_failure(const TrackJob& job, const std::string& reason);
  void report_success(const TrackJob& job, const separation::TrackReport& report);
  void report_gains(const TrackJob& job, const std::vector<float>& gains);
  void report_all(const Shared& shared, double seconds);

  const SeparateOptions& options_;
  const ModelChoice& model_;
  const models::OpenDevices& devices_;
  const separation::StemPlan& plan_;
  std::vector<PlannedTrack> tracks_;
  Console& console_;
  RunRecipe recipe_;
  std::unique_ptr<Manifest> manifest_;  // null: none
};

}  // namespace metalaudio::apps
