#include "apps/commands/models_command.h"

#include <fmt/format.h>
#include <metalaudio/core/error.h>
#include <metalaudio/repository/model_repository.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "apps/terminal/console.h"
#include "apps/terminal/interrupt.h"
#include "apps/terminal/progress_text.h"

namespace metalaudio::apps {
namespace {

constexpr std::size_t kTitleColumns = 24;
constexpr double kMegabyte = 1e6;

std::uint64_t total_bytes(const repository::KnownModel& model) {
  std::uint64_t bytes = 0;
  for (const repository::KnownFile& file : model.files) bytes += file.bytes;
  return bytes;
}

std::string list_line(const repository::KnownModel& model, bool installed) {
  const std::string size =
      model.files.empty()
          ? ""
          : fmt::format("{:.0f} MB", static_cast<double>(total_bytes(model)) / kMegabyte);
  const char* const state = !model.unsupported.empty() ? "not supported yet"
                            : installed                ? "installed"
                                                       : "";
  return fmt::format("{:24} {:>7}  {:17}  {}", model.name, size, state, model.summary);
}

std::string kilobytes(const std::filesystem::path& file) {
  std::error_code failed;
  const auto bytes = std::filesystem::file_size(file, failed);
  return failed ? "" : fmt::format("{:.0f} kB", static_cast<double>(bytes) / 1e3);
}

/// Published models first, then what else is there, then amps.
void list_models() {
  const repository::ModelRepository repository;
  std::string text = fmt::format("{:24} {:>7}  {:17}  {}", "MODEL", "SIZE", "STATE", "WHAT IT IS");
  for (const repository::KnownModel& model : repository::known_models()) {
    text += "\n" + list_line(model, repository.has(model.name));
  }
  const auto names = repository.list();
  for (const std::string& name : names) {
    const bool part = std::ranges::any_of(repository::known_models(), [&](const auto& model) {
      return model.name == name || std::ranges::count(model.bag.models, name) > 0;
    });
    if (!part) text += fmt::format("\n{:24} {:>7}  installed", name, "");
  }
  for (const std::string& name : repository.list_amps())
    text += fmt::format("\n{:24} {:>7}  {:17}  {}", name, kilobytes(repository.find_amp(name)),
                        "installed", "a neural amp, for metalaudio amp");
  print_result(text);
}

/// Says once on each machine what the weights' authors have said about their use.
void show_licence_note(Console& console) {
  const auto stamp = repository::model_data_folder().parent_path() / "licence-note-shown";
  std::error_code failed;
  if (std::filesystem::exists(stamp, failed)) return;
  console.line(repository::licence_note());
  std::filesystem::create_directories(stamp.parent_path(), failed);
  std::ofstream(stamp) << repository::licence_note() << "\n";
}

const repository::KnownModel& published(const std::string& name) {
  const repository::KnownModel* const model = repository::find_known_model(name);
  if (model == nullptr) {
    fail(ErrorCode::not_found, "{}: no published model has this name; see metalaudio models list",
         name);
  }
  return *model;
}

void get_model(const std::string& name) {
  const repository::KnownModel& model = published(name);
  Console console;
  if (model.unsupported.empty()) show_licence_note(console);
  ProgressSteps steps;
  std::string current;
  const auto folder = repository::model_data_folder();
  repository::download_model(
      model, folder, [&](const repository::KnownFile& file, std::uint64_t bytes) {
        throw_if_interrupted();
        if (current != file.name) steps = ProgressSteps();
        current = file.name;
        const double fraction = static_cast<double>(bytes) / static_cast<double>(file.bytes);
        const std::string text =
            fmt::format("{} {:3.0f} % of {:.1f} MB", shortened(file.name, kTitleColumns),
                        100.0 * fraction, static_cast<double>(file.bytes) / kMegabyte);
        console.status(text);
        if (!console.is_terminal() && steps.next(fraction)) console.line(text);
        return true;
      });
  console.clear_status();
  console.line(fmt::format("{} is installed in {}", model.name, folder.string()));
}

void print_paths(const std::string& name) {
  const repository::ModelRepository repository;
  const std::vector<std::string> amps = repository.list_amps();
  if (std::ranges::count(amps, name) > 0 && !repository.has(name))
    return print_result(repository.find_amp(name).string());
  for (const auto& path : repository.find(name).models) print_result(path.string());
}

/// A subcommand that takes the name of a model of some kind (value_candidates.h).
void add_named(CLI::App& command, const char* name, const char* help, const char* kind, int& status,
               void (*run)(const std::string&)) {
  CLI::App* const named = command.add_subcommand(name, help);
  const auto model = std::make_shared<std::string>();
  named->add_option("NAME", *model, "The model's name, as in: htdemucs")
      ->type_name(kind)
      ->required();
  named->callback([model, run, &status] {
    run(*model);
    status = 0;
  });
}

}  // namespace

void add_models_command(CLI::App& app, int& status) {
  CLI::App* const command =
      app.add_subcommand("models", "List the published models, download one, say where it is");
  command->require_subcommand(1);
  command->add_subcommand("list", "List the published models and those that are installed")
      ->callback([&status] {
        list_models();
        status = 0;
      });
  add_named(*command, "get", "Download a published model and verify it", "PUBLISHED", status,
            get_model);
  add_named(*command, "path", "Print the files of an installed model", "INSTALLED", status,
            print_paths);
}

}  // namespace metalaudio::apps
