#pragma once

#include <metalaudio/repository/model_bag.h>
#include <metalaudio/separation/stem_plan.h>
#include <metalaudio/separation/track_list.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "apps/batch/track_record.h"
#include "apps/options/separate_options.h"

namespace metalaudio::apps {

/// One track and the files to make of it.
struct TrackJob {
  std::filesystem::path input;
  std::string label;                           ///< for messages
  std::vector<std::filesystem::path> outputs;  ///< one for each output of the plan, or one for all
  std::filesystem::path picture;               ///< empty: none
  const std::filesystem::path& output(std::size_t index) const {
    return outputs[std::min(index, outputs.size() - 1)];
  }
  std::string key{};  ///< of the track among all, whatever its stems and their type
};

/// A track with the names of its outputs, or the reason why it cannot have them.
struct PlannedTrack {
  TrackJob job;
  std::string refusal;                ///< empty: none
  bool replace = false;               ///< its outputs, where they are there already
  bool keep = false;                  ///< them as they are, and do nothing
  TrackRecord::Stamp known_record{};  ///< before the run
};

/// Where all outputs lie, unless --filename leads out of it.
std::filesystem::path outputs_folder(const SeparateOptions& options,
                                     const repository::ModelBag& model);

/// Names the outputs of every track. A track is refused that has a problem of its own, whose stems
/// have no ending that says what to write, or whose outputs would overwrite an input, those of an
/// earlier track or each other, or be what no file can be.
/// Errors:   throws Error{invalid_argument} where --picture would name one file for several tracks,
///           or not a PNG.
std::vector<PlannedTrack> plan_tracks(const std::vector<separation::Track>& tracks,
                                      const separation::StemPlan& plan,
                                      const SeparateOptions& options,
                                      const repository::ModelBag& model);

/// How many tracks run at a time, and with how many threads each; unless jobs says otherwise, one
/// for each GPU, where there are several.
struct Sharing {
  std::size_t workers = 1;
  std::size_t threads_each = 1;
};
Sharing share_threads(std::size_t jobs, std::size_t tracks, std::size_t threads, std::size_t gpus);

}  // namespace metalaudio::apps
