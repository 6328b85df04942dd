#pragma once

#include <string>
#include <vector>

#include "apps/separate_options.h"
#include "apps/stem_plan.h"
#include "apps/track_list.h"
#include "apps/track_separation.h"

namespace metalaudio::apps {

/// A track with the names of its outputs, or the reason why it cannot have them.
struct PlannedTrack {
  TrackJob job;
  std::string refusal;  ///< empty: none
};

/// Names the outputs of every track. A track whose outputs would overwrite those of an earlier one,
/// or an input, is refused. Errors:   throws Error{invalid_argument} where --picture would name one
/// file for several tracks.
std::vector<PlannedTrack> plan_tracks(const std::vector<Track>& tracks, const StemPlan& plan,
                                      const SeparateOptions& options,
                                      const std::string& model_name);

/// How many tracks run at a time, and with how many threads each.
struct Sharing {
  std::size_t workers = 1;
  std::size_t threads_each = 1;
};
Sharing share_threads(std::size_t jobs, std::size_t tracks, std::size_t threads);

}  // namespace metalaudio::apps
