#pragma once

#include <metalaudio/models/open_devices.h>
#include <metalaudio/separation/output_folders.h>
#include <metalaudio/separation/stem_plan.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/batch/file_sums.h"
#include "apps/batch/track_claim.h"
#include "apps/batch/track_record.h"
#include "apps/commands/model_choice.h"
#include "apps/commands/track_jobs.h"

namespace metalaudio::apps {

/// What the outputs of all tracks of a run are made with.
struct RunRecipe {
  std::filesystem::path folder;  ///< of the outputs, and of `.metalaudio`
  nlohmann::json recipe;         ///< less the input and the stem
  bool skip_existing = false;
  std::shared_ptr<const FileSums> sums = {};
};

/// Errors:   throws Error{not_found, io} for a model's file that cannot be read.
RunRecipe run_recipe(const SeparateOptions& options, const ModelChoice& model,
                     const models::OpenDevices& devices, std::shared_ptr<const FileSums> sums);

/// The state of a track's record; for PlannedTrack::known_record.
TrackRecord::Stamp record_stamp(const RunRecipe& run, const TrackJob& job);

/// Whether any output is there that no dead process began.
bool has_outputs(const std::filesystem::path& folder, const TrackJob& job);

/// What this process does with one track, decided when its turn comes: separates it, and holds the
/// right to; leaves it, since its stems are there; or waits, since another process works on it.
/// Errors:   throws Error{io} for outputs that are there and may not be replaced, and where the
///           input cannot be read or the folder not be written.
/// Threads:  one instance per thread.
class TrackTurn {
 public:
  enum class Kind { separate, skip, busy };

  /// With `dry` nothing is claimed or written, and no other process seen.
  TrackTurn(const RunRecipe& run, const PlannedTrack& track, const separation::StemPlan& plan,
            bool dry);

  Kind kind() const noexcept { return kind_; }
  /// Why it is left.
  const std::string& reason() const noexcept { return reason_; }
  /// A dead process had begun it.
  bool taken_over() const noexcept { return claim_ && claim_->taken_over(); }
  /// The outputs are there: records them and lets others see.
  void finish();

 private:
  void decide(const RunRecipe& run, const PlannedTrack& track);
  void begin();

  std::vector<std::string> outputs_;  // relative to the folder
  std::vector<nlohmann::json> recipes_;
  std::filesystem::path folder_;
  separation::OutputFolders folders_;  // outlives the claim that lies in them
  std::optional<TrackClaim> claim_;
  TrackRecord record_;
  Kind kind_ = Kind::busy;
  std::string reason_;
};

}  // namespace metalaudio::apps
