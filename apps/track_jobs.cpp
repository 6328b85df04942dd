#include "apps/track_jobs.h"

#include <fmt/format.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <map>
#include <set>

#include "apps/output_name.h"

namespace metalaudio::apps {
namespace fs = std::filesystem;
namespace {

fs::path comparable(const fs::path& path) {
  std::error_code error;
  const fs::path canonical = fs::weakly_canonical(path, error);
  return error ? fs::absolute(path).lexically_normal() : canonical;
}

TrackJob name_outputs(const Track& track, const StemPlan& plan, const SeparateOptions& options,
                      const fs::path& folder) {
  TrackJob job{track.path, track.path.string(), {}, {}};
  OutputFields fields{track.name, track.extension, "", options.format.extension()};
  for (const StemOutput& output : plan.outputs) {
    fields.stem = output.name;
    job.outputs.push_back(folder / expand_output_name(options.filename, fields));
  }
  if (!options.picture.empty()) {
    fields.stem = "mix";
    fields.extension = "png";
    job.picture = expand_output_name(options.picture, fields);
  }
  return job;
}

}  // namespace

std::vector<PlannedTrack> plan_tracks(const std::vector<Track>& tracks, const StemPlan& plan,
                                      const SeparateOptions& options,
                                      const std::string& model_name) {
  const fs::path folder = options.out / model_folder_name(model_name);
  std::set<fs::path> inputs;
  for (const Track& track : tracks) inputs.insert(comparable(track.path));
  std::map<fs::path, std::string> taken;
  std::set<fs::path> pictures;
  std::vector<PlannedTrack> planned;
  for (const Track& track : tracks) {
    PlannedTrack next{name_outputs(track, plan, options, folder), ""};
    for (const fs::path& output : next.job.outputs) {
      const fs::path place = comparable(output);
      const auto owner = taken.find(place);
      if (inputs.contains(place))
        next.refusal = fmt::format("its stems would overwrite {}", output.string());
      else if (owner != taken.end())
        next.refusal =
            fmt::format("its stems would overwrite those of {}; see --filename", owner->second);
    }
    if (next.refusal.empty())
      for (const fs::path& output : next.job.outputs) taken[comparable(output)] = next.job.label;
    if (!next.job.picture.empty() && !pictures.insert(comparable(next.job.picture)).second)
      fail(ErrorCode::invalid_argument, "--picture needs {{track}} in its name for several tracks");
    planned.push_back(std::move(next));
  }
  return planned;
}

Sharing share_threads(std::size_t jobs, std::size_t tracks, std::size_t threads) {
  const std::size_t workers = std::clamp<std::size_t>(jobs, 1, std::max<std::size_t>(tracks, 1));
  return {workers, std::max<std::size_t>(threads / workers, 1)};
}

}  // namespace metalaudio::apps
