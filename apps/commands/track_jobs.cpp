#include "apps/commands/track_jobs.h"

#include <fmt/format.h>
#include <metalaudio/audio/output_file.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/output_name.h>
#include <metalaudio/separation/run_files.h>

#include <algorithm>

#include "apps/pictures/picture.h"

namespace metalaudio::apps {
namespace fs = std::filesystem;
namespace {

TrackJob name_outputs(const separation::Track& track, const separation::StemPlan& plan,
                      const SeparateOptions& options, const fs::path& folder) {
  TrackJob job{track.path, track.path.string(), {}, {}, {}};
  separation::OutputFields fields{track.name, track.extension, "", options.format.extension(),
                                  track.folder};
  job.key = separation::expand_output_name(
      options.name_pattern(), {track.name, track.extension, "{stem}", "{ext}", track.folder});
  const bool together = options.together(plan);
  for (const separation::StemOutput& output : plan.outputs) {
    fields.stem = together ? "stems" : output.name;
    job.outputs.push_back(options.to_standard_output()
                              ? fs::path(audio::kStandardOutput)
                              : folder /
                                    separation::expand_output_name(options.name_pattern(), fields));
    if (together) break;
  }
  if (!options.picture.empty()) {
    fields.stem = "mix";
    fields.extension = "png";
    job.picture = separation::expand_output_name(options.picture, fields);
  }
  return job;
}

/// Why the stems of a track cannot have these names, whatever else is there.
std::string bad_name(const std::vector<fs::path>& outputs, bool stem_m4a) {
  for (const fs::path& output : outputs) {
    if (output == audio::kStandardOutput) continue;
    const auto type = audio::file_type_of(output);
    const bool of_stems = type == audio::FileType::stem_m4a;
    if (stem_m4a && !of_stems)
      return fmt::format("{}: the name must end in .stem.m4a", output.string());
    if (!stem_m4a && of_stems)
      return fmt::format("{}: a .stem.m4a holds all stems; see --stem-m4a", output.string());
    if (!type)
      return fmt::format("{}: a stem's name must end in {}", output.string(), audio::kFileEndings);
  }
  return "";
}

std::string refusal(const separation::Track& track, const TrackJob& job, bool stem_m4a,
                    separation::RunFiles& files) {
  if (!track.problem.empty()) return track.problem;
  if (std::string reason = bad_name(job.outputs, stem_m4a); !reason.empty()) return reason;
  std::vector<fs::path> outputs = job.outputs;
  std::erase(outputs, fs::path(audio::kStandardOutput));
  if (!job.picture.empty()) outputs.push_back(job.picture);
  std::string reason = files.claim(outputs, job.label);
  return reason.empty() ? reason : reason + "; see --filename";
}

void check_picture(const std::vector<PlannedTrack>& planned) {
  if (planned.empty() || planned.front().job.picture.empty()) return;
  std::vector<fs::path> pictures;
  for (const PlannedTrack& track : planned) pictures.push_back(track.job.picture);
  check_picture_name("--picture", pictures.front());
  std::ranges::sort(pictures);
  if (std::ranges::adjacent_find(pictures) != pictures.end())
    fail(ErrorCode::invalid_argument, "--picture needs {{track}} in its name for several tracks");
}

/// It is appended to, so that an input of this name would be spoilt; a device may take it.
void check_manifest(const fs::path& manifest, separation::RunFiles& files) {
  std::error_code ignored;
  if (manifest.empty() || fs::is_character_file(manifest, ignored) ||
      fs::is_fifo(manifest, ignored))
    return;
  files.require("--manifest", manifest);
}

}  // namespace

fs::path outputs_folder(const SeparateOptions& options, const repository::ModelBag& model) {
  return options.out / separation::model_folder_name(model.name);
}

std::vector<PlannedTrack> plan_tracks(const std::vector<separation::Track>& tracks,
                                      const separation::StemPlan& plan,
                                      const SeparateOptions& options,
                                      const repository::ModelBag& model) {
  const fs::path folder = outputs_folder(options, model);
  separation::RunFiles files;
  for (const separation::Track& track : tracks) files.add_input(track.path);
  for (const fs::path& file : model.models) files.add_input(file);
  if (!options.batch.list.empty()) files.add_input(options.batch.list);
  check_manifest(options.batch.manifest, files);
  std::vector<PlannedTrack> planned;
  for (const separation::Track& track : tracks)
    planned.push_back({name_outputs(track, plan, options, folder), "", false, false, {}});
  check_picture(planned);
  for (std::size_t i = 0; i < tracks.size(); ++i)
    planned[i].refusal = refusal(tracks[i], planned[i].job, options.format.stem_m4a, files);
  return planned;
}

Sharing share_threads(std::size_t jobs, std::size_t tracks, std::size_t threads, std::size_t gpus) {
  const std::size_t wanted = jobs > 0 ? jobs : gpus;
  const std::size_t workers = std::clamp<std::size_t>(wanted, 1, std::max<std::size_t>(tracks, 1));
  return {workers, std::max<std::size_t>(threads / workers, 1)};
}

}  // namespace metalaudio::apps
