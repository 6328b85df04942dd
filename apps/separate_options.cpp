#include "apps/separate_options.h"

#include <metalaudio/core/error.h>

#include <map>

#include "apps/output_name.h"

namespace metalaudio::apps {
namespace {

template <typename Enum>
CLI::Option* add_choice(CLI::App& command, const std::string& name, Enum& value,
                        const std::map<std::string, Enum>& choices, const std::string& help) {
  std::string names;
  std::string current;
  for (const auto& [text, choice] : choices) {
    names += (names.empty() ? "" : "|") + text;
    if (choice == value) current = text;
  }
  const auto parse = [choices, &value](const std::string& text) {
    const auto found = choices.find(text);
    if (found != choices.end()) value = found->second;
  };
  std::vector<std::string> accepted;
  for (const auto& [text, choice] : choices) accepted.push_back(text);
  return command.add_option_function<std::string>(name, parse, help)
      ->check(CLI::IsMember(accepted))
      ->type_name(names)
      ->default_str(current);
}

void add_model_options(CLI::App& command, SeparateOptions& options) {
  const std::string group = "Model";
  command
      .add_option("-n,--name", options.model,
                  "Model name or signature; htdemucs where it is installed, otherwise the one that "
                  "ships")
      ->group(group);
  command.add_option("--repo", options.repo, "Folder that holds the models, for use with -n")
      ->group(group);
  command
      .add_flag("--list-models", options.list_models, "List the models that can be named, and exit")
      ->group(group);
  add_choice<models::Mode>(command, "--mode", options.mode,
                           {{"full", models::Mode::full}, {"time-only", models::Mode::time_only}},
                           "time-only runs the time branch alone: faster, less exact")
      ->group(group);
}

void add_apply_options(CLI::App& command, SeparateOptions& options) {
  const std::string group = "Separation";
  command
      .add_option("--shifts", options.shifts,
                  "Average over this many random shifts in time; slower and a little better")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str()
      ->group(group);
  command.add_option("--seed", options.seed, "Seed of the random shifts")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--shift-offsets", options.shift_offsets,
                  "The shifts themselves, in samples, comma-separated, instead of random ones")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->excludes("--seed")
      ->group(group);
  command.add_option("--overlap", options.overlap, "Overlap between the chunks, 0 to below 1")
      ->check(CLI::Range(0.0, 0.99))
      ->capture_default_str()
      ->group(group);
  CLI::Option* no_split =
      command.add_flag("!--no-split", options.split, "Do not split the track into chunks")
          ->group(group);
  command
      .add_option("--segment", options.segment_seconds,
                  "Length of a chunk in seconds; at most what the model was trained with")
      ->check(CLI::PositiveNumber)
      ->excludes(no_split)
      ->group(group);
}

void add_machine_options(CLI::App& command, SeparateOptions& options) {
  const std::string group = "Machine";
  command.add_option("-d,--device", options.device, "Where to compute: auto or cpu")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->capture_default_str()
      ->group(group);
  add_choice<models::Precision>(command, "--precision", options.precision,
                                {{"fp32", models::Precision::fp32},
                                 {"bf16", models::Precision::bf16},
                                 {"auto", models::Precision::automatic}},
                                "bf16 is rounded, not yet faster; auto: fp32 until it is")
      ->group(group);
  command.add_option("--threads", options.threads, "Threads in all; 0: what the machine has")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("-j,--jobs", options.jobs, "Tracks to separate at a time, sharing the threads")
      ->check(CLI::Range(0, 256))
      ->capture_default_str()
      ->group(group);
}

void add_stem_options(CLI::App& command, SeparateOptions& options) {
  const std::string group = "Stems";
  CLI::Option* stems =
      command.add_option("--stems", options.stems.stems, "Write only these, as in vocals,drums")
          ->delimiter(',')
          ->allow_extra_args(false)
          ->group(group);
  CLI::Option* two_stems = command
                               .add_option("--two-stems", options.stems.two_stems,
                                           "Write only this stem and what remains without it")
                               ->excludes(stems)
                               ->group(group);
  add_choice<OtherMethod>(
      command, "--other-method", options.stems.other_method,
      {{"none", OtherMethod::none}, {"add", OtherMethod::add}, {"minus", OtherMethod::minus}},
      "What remains: nothing, the sum of the other stems, or the mix minus the stem")
      ->needs(two_stems)
      ->group(group);
  add_choice<ClipMode>(
      command, "--clip-mode", options.clip_mode,
      {{"rescale", ClipMode::rescale}, {"clamp", ClipMode::clamp}, {"none", ClipMode::none}},
      "Against clipping: turn a stem down, limit its samples, or nothing")
      ->group(group);
  command
      .add_flag("--sum-safe", options.sum_safe,
                "Turn all stems down alike, so that they still add up to the mix")
      ->group(group);
  command.add_flag("--keep-rate", options.keep_rate, "Write at the sample rate of the input")
      ->group(group);
}

void add_output_options(CLI::App& command, SeparateOptions& options) {
  const std::string group = "Output";
  command.add_option("-o,--out", options.out, "Folder for the stems, below it one for the model")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--filename", options.filename,
                  "Name of each file, from {track}, {trackext}, {stem}, {ext}")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--picture", options.picture,
                  "Draw the spectrograms of the mix and of each stem into this PNG; with several "
                  "tracks its name needs {track}")
      ->group(group);
  command.add_flag("--json", options.json, "One line of JSON for each track, on standard output")
      ->group(group);
  add_output_format_options(command, options.format);
}

}  // namespace

void add_separate_options(CLI::App& command, SeparateOptions& options) {
  command.option_defaults()->take_last();  // of an option given twice, as upstream's
  command.add_option("TRACK", options.inputs, "Audio files, and folders to look for them in");
  command.add_flag(
      "--downmix", options.downmix,
      "Of more than two channels take all: front, and the centre, sides and back at -3 "
      "dB, instead of front left and right alone");
  command.add_flag("--allow-truncated", options.allow_truncated,
                   "Take files that end early as far as they go, with a warning");
  add_model_options(command, options);
  add_stem_options(command, options);
  add_output_options(command, options);
  add_apply_options(command, options);
  add_machine_options(command, options);
}

void check_separate_options(const SeparateOptions& options) {
  const auto refuse = [](const char* reason) { fail(ErrorCode::invalid_argument, "{}", reason); };
  if (options.inputs.empty() && !options.list_models) refuse("no TRACK to separate was given");
  if (options.sum_safe && options.clip_mode != ClipMode::rescale)
    refuse("--sum-safe needs --clip-mode rescale");
  if (!options.shift_offsets.empty() && options.shifts == 0)
    refuse("--shift-offsets needs --shifts of 1 or more");
  const bool several = options.stems.two_stems.empty()
                           ? options.stems.stems.size() != 1
                           : options.stems.other_method != OtherMethod::none;
  if (!names_each_stem(options.filename) && several)
    refuse("--filename needs {stem}, or the stems would overwrite each other");
}

}  // namespace metalaudio::apps
