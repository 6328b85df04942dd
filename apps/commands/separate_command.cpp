#include <fmt/format.h>
#include <fmt/ranges.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/output_name.h>
#include <metalaudio/separation/stem_plan.h>
#include <metalaudio/separation/track_list.h>

#include <memory>

#include "apps/commands/commands.h"
#include "apps/commands/model_choice.h"
#include "apps/commands/separation_run.h"
#include "apps/commands/track_jobs.h"
#include "apps/options/separate_options.h"
#include "apps/terminal/console.h"

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

int separate(const SeparateOptions& options) {
  check_separate_options(options);
  if (options.list_models) {
    print_result(model_list(options));
    return 0;
  }
  Console console;
  const ModelChoice model = choose_model(options);
  check_against_model(options, model);
  const separation::StemPlan plan = separation::plan_stems(options.stems, model.sources);
  const std::vector<separation::Track> tracks = separation::list_tracks(
      options.inputs, {options.out, options.out / separation::model_folder_name(model.bag.name)});
  std::vector<PlannedTrack> planned = plan_tracks(tracks, plan, options, model.bag);
  for (const std::string& line : idle_options(options)) console.line("Note: " + line);
  const models::OpenDevices devices = models::open_devices(options.device);
  console.line(model_line(model, devices));
  return SeparationRun(options, model, devices, plan, std::move(planned), console).run();
}

}  // namespace

void add_separate_command(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("separate", "Take songs apart into stems");
  const auto options = std::make_shared<SeparateOptions>();
  add_separate_options(*command, *options);
  command->callback([options, &status] { status = separate(*options); });
}

}  // namespace metalaudio::apps
