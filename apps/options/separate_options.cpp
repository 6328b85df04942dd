#include "apps/options/separate_options.h"

#include <metalaudio/core/error.h>
#include <metalaudio/separation/output_name.h>

#include <algorithm>
#include <limits>

#include "apps/options/model_option_flags.h"
#include "apps/options/option_values.h"

namespace metalaudio::apps {
namespace {

constexpr std::int64_t kAnyWhole = std::numeric_limits<std::int64_t>::max();

void add_model_options(CLI::App& command, SeparateOptions& options) {
  const OptionGroup group(command, "Model");
  CLI::Option* name =
      command
          .add_option("-n,--name", options.model,
                      "Model name or signature; htdemucs where it is installed, otherwise the one "
                      "that ships")
          ->type_name("MODEL")
          ->check(not_empty());
  command.add_option("-s,--sig", options.model, "Signature of a model, as -n takes it too")
      ->type_name("MODEL")
      ->check(not_empty())
      ->excludes(name);
  command.add_option("--repo", options.repo, "Folder that holds the models, for use with -n")
      ->type_name("FOLDER")
      ->check(not_empty());
  command.add_flag("--list-models", options.list_models,
                   "List the models that can be named, and exit");
  add_mode(command, options.mode);
}

void add_apply_options(CLI::App& command, SeparateOptions& options) {
  const OptionGroup group(command, "Separation");
  add_whole(command, "--shifts", options.shifts, 0, 1000,
            "Average over this many random shifts in time; slower and a little better")
      ->default_str(std::to_string(options.shifts));
  CLI::Option* seed =
      add_whole(command, "--seed", options.seed, 0, kAnyWhole, "Seed of the random shifts")
          ->default_str(std::to_string(options.seed));
  const std::string offsets = "--shift-offsets";
  command
      .add_option_function<std::string>(
          offsets,
          [&options, offsets](const std::string& text) {
            options.shift_offsets.clear();
            for (const std::string& part : list_of(offsets, text))
              options.shift_offsets.push_back(whole_number(offsets, part, 0, kAnyWhole));
          },
          "The shifts themselves, in samples, comma-separated, instead of random ones")
      ->type_name("N,...")
      ->excludes(seed);
  command
      .add_option_function<std::string>(
          "--overlap",
          [&options](const std::string& text) {
            options.overlap = real_number("--overlap", text, 0.0, 0.99);
          },
          "Overlap between the chunks, 0 to below 1")
      ->type_name("PART")
      ->default_str("0.25");
  CLI::Option* no_split = command.add_flag_callback(
      "--no-split", [&options] { options.split = false; }, "Do not split the track into chunks");
  command
      .add_option_function<std::string>(
          "--segment",
          [&options](const std::string& text) {
            options.segment_seconds = real_number("--segment", text, 0.01, 3600.0);
          },
          "Length of a chunk in seconds; at most what the model was trained with, at least a tenth "
          "of it")
      ->type_name("SECONDS")
      ->excludes(no_split);
}

void add_machine_options(CLI::App& command, SeparateOptions& options) {
  const OptionGroup group(command, "Machine");
  add_device(command, options.device);
  add_precision(command, options.precision);
  add_whole(
      command, "--threads", options.threads, 0, 1024,
      "Threads in all; 0: as many as cores may be used, or OMP_NUM_THREADS where that is fewer")
      ->default_str("0");
  add_whole(command, "-j,--jobs", options.jobs, 0, 256,
            "Tracks to separate at a time, sharing the threads; 0: one, or one for each GPU")
      ->default_str("0");
}

void add_stem_options(CLI::App& command, SeparateOptions& options) {
  const OptionGroup group(command, "Stems");
  CLI::Option* stems = command
                           .add_option_function<std::string>(
                               "--stems",
                               [&options](const std::string& text) {
                                 options.stems.stems = list_of("--stems", text);
                               },
                               "Write only these, as in vocals,drums")
                           ->type_name("STEM,...");
  command
      .add_option("--two-stems", options.stems.two_stems,
                  "Write only this stem and what remains without it")
      ->check(not_empty())
      ->type_name("STEM")
      ->excludes(stems);
  add_choice<separation::OtherMethod>(
      command, "--other-method", options.stems.other_method,
      {{"none", separation::OtherMethod::none},
       {"add", separation::OtherMethod::add},
       {"minus", separation::OtherMethod::minus}},
      "What remains: nothing, the sum of the other stems, or the mix minus the stem")
      ->default_str("add");
  add_choice<separation::ClipMode>(
      command, "--clip-mode", options.clip_mode,
      {{"rescale", separation::ClipMode::rescale},
       {"clamp", separation::ClipMode::clamp},
       {"none", separation::ClipMode::none}},
      "Against clipping: turn a stem down, limit its samples, or nothing");
  command.add_flag(
      "--sum-safe", options.sum_safe,
      "Against clipping turn all stems down alike, so that they keep their balance; they "
      "still miss the mix by the network's own error");
  command.add_flag(
      "--exact-sum", options.exact_sum,
      "Make the stems add up to the mix: spread what they miss it by over them, by their "
      "power at each time and frequency; against clipping all are turned down alike");
  command.add_flag(
      "--loudness", options.loudness,
      "Tell the loudness, its range and the true peak of the mix and of each stem as it is "
      "written (EBU R128), with --json there too");
  command
      .add_option_function<std::string>(
          "--normalize",
          [&options](const std::string& text) {
            options.normalize_lufs = real_number("--normalize", text, -70.0, 0.0);
          },
          "Bring the mix to this loudness, as in -14, and all stems by the same gain; in place of "
          "--clip-mode one limiter keeps all of them, and their sum, below a true peak of -1 dB, "
          "so "
          "that they still add up")
      ->type_name("LUFS");
  command.add_flag("--keep-rate", options.keep_rate, "Write at the sample rate of the input");
}

void add_output_options(CLI::App& command, SeparateOptions& options) {
  const OptionGroup group(command, "Output");
  command
      .add_option("-o,--out", options.out,
                  "Folder for the stems, below it one for the model; - for standard output: of "
                  "several stems as the channels of one file, in their order")
      ->type_name("FOLDER")
      ->default_str(options.out.string());
  command
      .add_option(
          "--filename", options.filename,
          "Name of each file, from {track}, {trackext}, {stem}, {ext}, and {folder}, the "
          "name of the folder that the track lies in; its ending chooses WAV, FLAC, MP3, Ogg, "
          "Opus or M4A")
      ->type_name("PATTERN")
      ->default_str(options.filename);
  command
      .add_option("--picture", options.picture,
                  "Draw the spectrograms of the mix and of each stem into this PNG; with several "
                  "tracks its name needs {track}")
      ->type_name("FILE")
      ->check(not_empty());
  CLI::Option* stem_m4a =
      command
          .add_flag(
              "--stem-m4a", options.format.stem_m4a,
              "Write one .stem.m4a for DJ programs (NI Stems): the mix, drums, bass, other and "
              "vocals, where other is all that the model has beside the three; AAC, or ALAC "
              "with --alac")
          ->group("Output format");
  command.add_flag_callback(
      "--no-tags", [&options] { options.tags = false; },
      "Write stems without the tags and the cover of their track; with them a stem keeps the "
      "title and has its own name as the subtitle");
  command.add_flag("--json", options.json, "One line of JSON for each track, on standard output");
  command.add_flag("--events", options.events,
                   "With --json also a line as each track begins and as it goes on");
  CLI::Option* quiet =
      command.add_flag("-q,--quiet", options.quiet, "Tell of failures and warnings alone");
  command
      .add_flag("-v,--verbose", options.verbose,
                "Tell more: the model's files, the threads, what becomes of every track")
      ->excludes(quiet);
  add_output_format_options(command, options.format);
  for (const char* other :
       {"--flac", "--mp3", "--ogg", "--opus", "--m4a", "--stems", "--two-stems"})
    stem_m4a->excludes(command.get_option(other));
}

/// The type that the stems' names say; none where the track's own ending decides, or none of ours.
std::optional<audio::FileType> written_type(const SeparateOptions& options) {
  if (options.to_standard_output()) return options.format.type();
  const std::string extension = options.format.extension();
  return audio::file_type_of(separation::expand_output_name(
      options.name_pattern(), {"track", "trackext", "stem", extension, "folder"}));
}

/// One sound goes through a pipe, and nothing else.
void check_standard_streams(const SeparateOptions& options) {
  const auto refuse = [](const char* reason) { fail(ErrorCode::invalid_argument, "{}", reason); };
  if (options.from_standard_input() && (options.inputs.size() > 1 || !options.batch.list.empty()))
    refuse("- is standard input, one track by itself: no other TRACK goes with it, and no --list");
  if (!options.to_standard_output() || options.list_models) return;
  if (options.json || options.events)
    refuse("-o - writes the stems to standard output: --json has no place there");
  if (options.batch.skip_existing || options.batch.dry_run)
    refuse("-o - leaves nothing behind: --skip-existing and --dry-run need a folder");
}

}  // namespace

void add_separate_options(CLI::App& command, SeparateOptions& options) {
  command.option_defaults()->take_last();  // of an option given twice, as upstream's
  command
      .add_option("TRACK", options.inputs,
                  "Audio files, and folders to look for them in; - for standard input")
      ->type_name("FILE");
  command.add_flag(
      "--downmix", options.downmix,
      "Of more than two channels take all: front, and the centre, sides and back at -3 "
      "dB, instead of front left and right alone");
  command.add_flag("--allow-truncated", options.allow_truncated,
                   "Take files that end early as far as they go, with a warning");
  add_model_options(command, options);
  add_stem_options(command, options);
  add_output_options(command, options);
  add_batch_options(command, options.batch);
  add_apply_options(command, options);
  add_machine_options(command, options);
}

bool SeparateOptions::from_standard_input() const {
  return std::ranges::find(inputs, std::filesystem::path(kStandardStream)) != inputs.end();
}

std::string SeparateOptions::name_pattern() const {
  return format.stem_m4a && filename == kUsualFilename ? "{track}.{ext}" : filename;
}

void check_separate_options(const SeparateOptions& options) {
  check_device(options.device);
  const auto refuse = [](const char* reason) { fail(ErrorCode::invalid_argument, "{}", reason); };
  if (options.inputs.empty() && options.batch.list.empty() && !options.list_models)
    refuse("no TRACK to separate was given");
  check_standard_streams(options);
  if (options.sum_safe && options.clip_mode != separation::ClipMode::rescale)
    refuse("--sum-safe needs --clip-mode rescale");
  if (options.exact_sum && options.clip_mode == separation::ClipMode::clamp)
    refuse("--exact-sum needs --clip-mode rescale or none");
  if (!options.shift_offsets.empty() && options.shifts == 0)
    refuse("--shift-offsets needs --shifts of 1 or more");
  const bool several = options.stems.two_stems.empty()
                           ? options.stems.stems.size() != 1
                           : options.stems.method() != separation::OtherMethod::none;
  if (!separation::names_each_stem(options.filename) && several && !options.format.stem_m4a &&
      !options.to_standard_output())
    refuse("--filename needs {stem}, or the stems would overwrite each other");
  if (!options.to_standard_output() && !options.filename.ends_with("{trackext}") &&
      !written_type(options))
    fail(ErrorCode::invalid_argument, "--filename {}: it must end in {}, or {{ext}}",
         options.filename, audio::kFileEndings);
}

std::vector<std::string> idle_options(const SeparateOptions& options) {
  std::vector<std::string> lines;
  if (const auto type = written_type(options)) lines = idle_options(options.format, *type);
  if (options.stems.other_method && options.stems.two_stems.empty())
    lines.emplace_back("--other-method has no effect without --two-stems");
  if (options.events && !options.json) lines.emplace_back("--events has no effect without --json");
  return lines;
}

}  // namespace metalaudio::apps
