#include <fmt/format.h>
#include <fmt/ranges.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/bag.h>
#include <metalaudio/separation/stem_container.h>
#include <metalaudio/separation/stem_plan.h>
#include <metalaudio/separation/track_list.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/batch/question.h"
#include "apps/batch/track_list_file.h"
#include "apps/batch/track_turn.h"
#include "apps/commands/commands.h"
#include "apps/commands/model_choice.h"
#include "apps/commands/separation_run.h"
#include "apps/commands/track_jobs.h"
#include "apps/options/model_option_flags.h"
#include "apps/options/separate_options.h"
#include "apps/terminal/console.h"
#include "apps/terminal/standard_streams.h"

namespace metalaudio::apps {
namespace {

std::string model_line(const ModelChoice& model, const models::OpenDevices& devices) {
  const std::string members =
      model.bag.models.size() == 1 ? "" : fmt::format(", a bag of {}", model.bag.models.size());
  return fmt::format("Model {}{}{}: {}; on {}", model.bag.name, members,
                     model.by_default && model.bag.name != "htdemucs"
                         ? " (htdemucs is not installed: metalaudio models get htdemucs)"
                         : "",
                     fmt::join(model.sources, ", "), devices.text);
}

std::vector<std::filesystem::path> inputs(const SeparateOptions& options) {
  std::vector<std::filesystem::path> all = options.inputs;
  if (options.batch.list.empty()) return all;
  const std::vector<std::filesystem::path> listed = read_track_list(options.batch.list);
  if (listed.empty() && all.empty())
    fail(ErrorCode::invalid_argument, "--list {}: no track is in it", options.batch.list.string());
  all.insert(all.end(), listed.begin(), listed.end());
  return all;
}

void take_shard(const SeparateOptions& options, std::vector<PlannedTrack>& tracks,
                Console& console) {
  const std::optional<Shard>& shard = options.batch.shard;
  if (!shard) {
    for (const char* name : {"SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"})
      if (tracks.size() > 1 && std::getenv(name) != nullptr)
        console.note(fmt::format("Note: {} is set; --shard auto takes a part of the tracks", name));
    return;
  }
  const std::size_t all = tracks.size();
  std::size_t number = 0;
  std::erase_if(tracks, [&](const PlannedTrack&) { return !shard->has(number++); });
  console.note(fmt::format("Shard {}/{}: {} of {}", shard->index, shard->count, tracks.size(),
                           counted(all, "track")));
}

/// Stems that are there may be replaced by --overwrite, or by a person who says so.
void settle_existing(const SeparateOptions& options, const std::filesystem::path& folder,
                     std::vector<PlannedTrack>& tracks) {
  const BatchOptions& batch = options.batch;
  std::vector<PlannedTrack*> existing;
  for (PlannedTrack& track : tracks) {
    track.replace = batch.overwrite;
    if (track.refusal.empty() && has_outputs(folder, track.job)) existing.push_back(&track);
  }
  if (existing.empty() || batch.overwrite || batch.skip_existing || batch.dry_run || !can_ask())
    return;
  const std::string what =
      existing.size() == 1
          ? fmt::format("The stems of {} are there already. Replace them?",
                        existing.front()->job.label)
          : fmt::format("The stems of {} are there already, as of {}. Replace them?",
                        counted(existing.size(), "track"), existing.front()->job.label);
  const bool replace = ask(what);
  for (PlannedTrack* track : existing) (replace ? track->replace : track->keep) = true;
}

/// Says which channels are which, where they will not be asked for any more.
void check_standard_output(const SeparateOptions& options, const separation::StemPlan& plan,
                           const std::vector<PlannedTrack>& tracks, Console& console) {
  if (!options.to_standard_output()) return;
  if (tracks.size() != 1)
    fail(ErrorCode::invalid_argument, "-o - is for one track, not for {}", tracks.size());
  if (is_terminal_output())
    fail(ErrorCode::invalid_argument, "-o - is standard output, which is a terminal");
  if (!options.together(plan) || options.format.stem_m4a) return;
  std::vector<std::string> names;
  for (const separation::StemOutput& output : plan.outputs) names.push_back(output.name);
  console.note(fmt::format("Channels, two for each: {}", fmt::join(names, ", ")));
}

/// While other things are done.
std::shared_future<separation::BagContents> read_model_files(const SeparateOptions& options,
                                                             const ModelChoice& model,
                                                             const separation::StemPlan& plan) {
  if (options.batch.dry_run) return {};
  std::vector<std::string> stems;
  for (const std::size_t index : plan.needed_sources) stems.push_back(model.sources[index]);
  return std::async(std::launch::async, separation::read_bag, bag_files(model), std::move(stems));
}

int separate(const SeparateOptions& options) {
  check_separate_options(options);
  if (options.list_models) {
    print_result(model_list(options));
    return 0;
  }
  Console console(options.quiet     ? Verbosity::quiet
                  : options.verbose ? Verbosity::verbose
                                    : Verbosity::usual);
  // A GPU takes its time to wake up.
  std::future<models::OpenDevices> waking =
      std::async(std::launch::async, models::open_devices, options.device);
  const ModelChoice model = choose_model(options);
  check_against_model(options, model);
  separation::StemPlan plan = options.format.stem_m4a
                                  ? separation::plan_stem_container(model.sources)
                                  : separation::plan_stems(options.stems, model.sources);
  if (options.exact_sum) {
    plan.needed_sources.resize(model.sources.size());
    std::iota(plan.needed_sources.begin(), plan.needed_sources.end(), 0U);
  }
  std::optional<StandardInput> standard_input;
  if (options.from_standard_input()) standard_input.emplace();
  std::vector<separation::Track> tracks;
  if (standard_input)
    tracks.push_back({standard_input->path(), "stdin", "wav", "stdin"});
  else
    tracks =
        separation::list_tracks(inputs(options), {options.out, outputs_folder(options, model.bag)});
  std::vector<PlannedTrack> planned = plan_tracks(tracks, plan, options, model.bag);
  if (standard_input) planned.front().job.label = "standard input";
  for (const std::string& line : idle_options(options)) console.note("Note: " + line);
  take_shard(options, planned, console);
  check_standard_output(options, plan, planned, console);
  settle_existing(options, outputs_folder(options, model.bag), planned);
  std::shared_future<separation::BagContents> contents = read_model_files(options, model, plan);
  const models::OpenDevices devices = waking.get();
  check_precision(options.precision, devices);
  console.note(model_line(model, devices));
  if (!devices.no_gpu.empty()) console.detail("  no GPU: " + devices.no_gpu);
  for (const std::filesystem::path& file : model.bag.models) console.detail("  " + file.string());
  return SeparationRun(options, model, std::move(contents), devices, plan, std::move(planned),
                       console)
      .run();
}

}  // namespace

void add_separate_command(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("separate", "Take songs apart into stems");
  const auto options = std::make_shared<SeparateOptions>();
  add_separate_options(*command, *options);
  command->callback([options, &status] { status = separate(*options); });
}

}  // namespace metalaudio::apps
