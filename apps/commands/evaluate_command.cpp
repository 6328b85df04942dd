#include <fmt/format.h>
#include <metalaudio/audio/output_file.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/evaluation.h>
#include <metalaudio/separation/run_files.h>
#include <metalaudio/separation/track_list.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <memory>
#include <span>

#include "apps/commands/commands.h"
#include "apps/options/model_option_flags.h"
#include "apps/options/option_values.h"
#include "apps/pictures/picture.h"
#include "apps/pictures/table_picture.h"
#include "apps/terminal/console.h"
#include "apps/terminal/display_text.h"
#include "apps/terminal/failure_text.h"
#include "apps/terminal/interrupt.h"
#include "apps/terminal/score_table.h"

namespace metalaudio::apps {
namespace {

struct EvaluateOptions {
  std::filesystem::path reference;
  std::filesystem::path estimate;
  std::filesystem::path json;
  std::filesystem::path picture;
  bool allow_truncated = false;
  std::string device = "auto";
};

// JSON has no infinity and no NaN: both become null, and `perfect` tells them apart.
nlohmann::json number_json(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

nlohmann::json scores_json(const std::vector<separation::TrackScore>& tracks) {
  nlohmann::json json = {{"tracks", nlohmann::json::array()}};
  for (const separation::TrackScore& track : tracks) {
    nlohmann::json stems = nlohmann::json::object();
    for (const separation::StemScore& stem : track.stems)
      stems[stem.stem] = {{"sdr_db", number_json(stem.sdr_db)},
                          {"perfect", std::isinf(stem.sdr_db)},
                          {"mix_sdr_db", number_json(stem.mix_sdr_db)},
                          {"improvement_db", number_json(stem.improvement_db())}};
    json["tracks"].push_back({{"track", track.track},
                              {"stems", stems},
                              {"sum_error_db", number_json(track.sum_error_db)}});
  }
  for (const separation::StemSummary& stem : separation::summarize(tracks))
    json["summary"][stem.stem] = {{"mean_db", number_json(stem.mean_db)},
                                  {"median_db", number_json(stem.median_db)},
                                  {"mean_improvement_db", number_json(stem.mean_improvement_db)},
                                  {"perfect", stem.perfect},
                                  {"undefined", stem.undefined}};
  return json;
}

void write_json(const nlohmann::json& json, const std::filesystem::path& path) {
  using Handler = nlohmann::json::error_handler_t;
  const std::string text = json.dump(2, ' ', false, Handler::replace) + "\n";
  audio::OutputFile file(path);
  file.write(std::as_bytes(std::span(text)));
  file.commit();
}

void check_files(const EvaluateOptions& options, const std::vector<separation::TrackPair>& pairs) {
  separation::RunFiles files;
  for (const separation::TrackPair& pair : pairs)
    for (const std::filesystem::path& input : separation::files_of(pair)) files.add_input(input);
  if (!options.json.empty()) {
    if (separation::has_audio_extension(options.json) || options.json.extension() == ".png")
      fail(ErrorCode::invalid_argument, "--json {}: named as something else than JSON",
           options.json.string());
    files.require("--json", options.json);
  }
  if (options.picture.empty()) return;
  check_picture_name("--picture", options.picture);
  check_table_rows(pairs.size() + kSummaryRows);
  files.require("--picture", options.picture);
}

int evaluate(const EvaluateOptions& options) {
  Console console;
  check_device(options.device);
  if (options.device.starts_with("cuda"))
    console.line("Note: scores are computed on the cpu, whatever --device says");
  std::vector<separation::TrackScore> scores;
  int status = 0;
  const std::vector<separation::TrackPair> pairs =
      separation::track_pairs(options.reference, options.estimate);
  check_files(options, pairs);
  const separation::EvaluationOptions settings{
      options.allow_truncated, [](std::int64_t) { throw_if_interrupted(); }, {}};
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    console.status(fmt::format("{} of {}: {}", i + 1, pairs.size(), pairs[i].name));
    try {
      std::vector<separation::FileWarning> warnings;
      scores.push_back(separation::evaluate_track(pairs[i], settings, warnings));
      for (const separation::FileWarning& warning : warnings)
        console.line(failure_text(warning.file.string(), "warning: " + warning.text));
    } catch (const Error& error) {
      if (error.code() == ErrorCode::cancelled) throw;
      console.line("metalaudio: " + failure_text(pairs[i].name, error.what()));
      status = kFailed;
    }
  }
  console.clear_status();
  if (scores.empty()) return kFailed;
  const Table table = score_table(scores);
  print_result(table_text(table));
  for (const std::string& line : separation::left_out(scores)) print_result(display_text(line));
  if (!options.json.empty()) write_json(scores_json(scores), options.json);
  if (!options.picture.empty()) draw_table(table, options.picture);
  return status;
}

}  // namespace

void add_evaluate_command(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand(
      "evaluate", "Compare stems with the true ones: signal-to-distortion ratios");
  const auto options = std::make_shared<EvaluateOptions>();
  command
      ->add_option(
          "REF_DIR", options->reference,
          "Folder of the true stems of one track, or of folders of tracks; a file named mix "
          "or mixture is the mix, otherwise the stems' sum is")
      ->type_name("FOLDER")
      ->required();
  command
      ->add_option("EST_DIR", options->estimate,
                   "Folder of the same shape that holds the estimates")
      ->type_name("FOLDER")
      ->required();
  command->add_option("--json", options->json, "Write the figures to this file too")
      ->type_name("FILE")
      ->check(not_empty());
  command->add_option("--picture", options->picture, "Draw the table into this PNG file")
      ->type_name("FILE")
      ->check(not_empty());
  command->add_flag("--allow-truncated", options->allow_truncated,
                    "Take files that end early as far as they go, with a warning");
  add_device(*command, options->device);
  command->callback([options, &status] { status = evaluate(*options); });
}

}  // namespace metalaudio::apps
