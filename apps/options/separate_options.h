#pragma once

#include <metalaudio/models/model_options.h>
#include <metalaudio/separation/output_levels.h>
#include <metalaudio/separation/stem_plan.h>
#include <CLI/CLI.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/options/batch_options.h"
#include "apps/options/output_format.h"

namespace metalaudio::apps {

/// Everything `metalaudio separate` can be told; the defaults are upstream's.
struct SeparateOptions {
  static constexpr const char* kUsualFilename = "{track}/{stem}.{ext}";

  std::vector<std::filesystem::path> inputs;
  bool list_models = false;
  bool allow_truncated = false;
  bool downmix = false;

  std::string model;  ///< empty: htdemucs where it is installed, otherwise the one that ships
  std::filesystem::path repo;
  std::string device = "auto";
  models::Precision precision = models::Precision::automatic;
  models::Mode mode = models::Mode::full;
  std::size_t threads = 0;  ///< 0: as many as the machine has for this process
  std::size_t jobs = 0;     ///< tracks at a time; 0: one, or one for each GPU

  int shifts = 1;
  std::vector<std::int64_t> shift_offsets;
  std::uint64_t seed = 0;
  double overlap = 0.25;
  bool split = true;
  std::optional<double> segment_seconds;

  separation::StemChoice stems;
  separation::ClipMode clip_mode = separation::ClipMode::rescale;
  bool sum_safe = false;
  bool exact_sum = false;
  bool keep_rate = false;
  bool loudness = false;
  std::optional<double> normalize_lufs;
  bool tags = true;

  std::filesystem::path out = "separated";
  std::string filename = kUsualFilename;
  OutputFormat format;
  std::string picture;
  bool json = false;
  bool events = false;  ///< lines of progress among those of --json
  bool quiet = false;
  bool verbose = false;
  BatchOptions batch;

  static constexpr const char* kStandardStream = "-";
  bool from_standard_input() const;
  bool to_standard_output() const { return out == kStandardStream; }
  /// Whether all outputs of a plan go into one file.
  bool together(const separation::StemPlan& plan) const {
    return format.stem_m4a || (to_standard_output() && plan.outputs.size() > 1);
  }
  /// What names the files; all stems in one need no {stem}.
  std::string name_pattern() const;
};

/// Adds the options and their help to a command.
void add_separate_options(CLI::App& command, SeparateOptions& options);

/// What the command line parser cannot see in one option alone.
/// Errors:   throws Error{invalid_argument}.
void check_separate_options(const SeparateOptions& options);

/// A line for each option that was given and has no effect, as upstream takes them.
std::vector<std::string> idle_options(const SeparateOptions& options);

}  // namespace metalaudio::apps
