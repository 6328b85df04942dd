#pragma once

#include <metalaudio/models/open_devices.h>
#include <metalaudio/separation/bag.h>
#include <metalaudio/separation/track_separation.h>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/batch/track_turn.h"
#include "apps/commands/model_choice.h"
#include "apps/commands/separation_report.h"
#include "apps/commands/track_jobs.h"
#include "apps/terminal/console.h"

namespace metalaudio::apps {

/// Separates the tracks of one command, several at a time where asked to, and reports each.
/// Threads:  run() starts its own and joins them.
class SeparationRun {
 public:
  /// contents: of the model's files, which may still be on their way; sums: of them and of tracks.
  SeparationRun(const SeparateOptions& options, const ModelChoice& model,
                std::shared_future<separation::BagContents> contents,
                const models::OpenDevices& devices, const separation::StemPlan& plan,
                std::vector<PlannedTrack> tracks, std::shared_ptr<const FileSums> sums,
                Console& console);

  /// Returns the exit status.
  /// Errors:   throws what load_separator throws, Error{io} where standard output is closed, and
  ///           Error{cancelled} after a signal.
  int run();

 private:
  struct Shared;
  struct Worker;
  void work(Shared& shared, const Sharing& sharing, std::size_t number);
  separation::BagContents take_contents(Shared& shared);
  separation::Separator& load(Shared& shared, Worker& worker);
  models::ModelOptions model_options(const Worker& worker) const;
  void settle(Shared& shared, std::size_t index, Worker& worker);
  void put_off(Shared& shared, std::size_t index);
  void separate(Shared& shared, std::size_t index, TrackTurn* turn, Worker& worker);
  separation::TrackControl control_of(Shared& shared, std::size_t index) const;
  separation::TrackReport separate_track(Shared& shared, const TrackJob& job, Worker& worker,
                                         const separation::TrackControl& control);

  const SeparateOptions& options_;
  const ModelChoice& model_;
  std::shared_future<separation::BagContents> contents_;
  const models::OpenDevices& devices_;
  const separation::StemPlan& plan_;
  std::vector<PlannedTrack> tracks_;
  Console& console_;
  RunRecipe recipe_;
  SeparationReport report_;
};

}  // namespace metalaudio::apps
