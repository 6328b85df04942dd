#include "apps/options/batch_options.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <limits>

#include "apps/options/option_values.h"

namespace metalaudio::apps {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();

[[noreturn]] void refuse(std::string_view text, const std::string& reason) {
  throw CLI::ValidationError("--shard", fmt::format("{}: {}", text, reason));
}

std::optional<std::int64_t> number(const Environment& environment, const char* name) {
  const char* const text = environment(name);
  if (text == nullptr || *text == '\0') return std::nullopt;
  return whole_number(fmt::format("--shard auto: {}", name), text, 0, kMost);
}

Shard checked(std::string_view text, std::int64_t index, std::int64_t count) {
  if (index < 0 || index >= count)
    refuse(text, fmt::format("there is no shard {} of {}; the first is 0/{}, the last {}/{}", index,
                             count, count, count - 1, count));
  return {static_cast<std::size_t>(index), static_cast<std::size_t>(count)};
}

/// A Slurm array without a count given: its tasks, whatever they are numbered from.
Shard of_array(std::string_view text, std::int64_t id, const Environment& environment) {
  const auto count = number(environment, "SLURM_ARRAY_TASK_COUNT");
  if (!count) refuse(text, "SLURM_ARRAY_TASK_COUNT is not set; auto/N says how many there are");
  if (*count == 0) refuse(text, "SLURM_ARRAY_TASK_COUNT is 0");
  const std::int64_t first = number(environment, "SLURM_ARRAY_TASK_MIN").value_or(0);
  const std::int64_t last =
      number(environment, "SLURM_ARRAY_TASK_MAX").value_or(first + *count - 1);
  // An array such as 1-9:4 numbers its tasks 1, 5, 9; one such as 1,2,9 has no step.
  const std::int64_t step = *count > 1 ? (last - first) / (*count - 1) : 1;
  const bool even = step > 0 && last - first == step * (*count - 1) && (id - first) % step == 0;
  if (!even)
    refuse(text, "the tasks of this array are not numbered evenly; auto/N takes the number itself");
  return checked(text, (id - first) / step, *count);
}

}  // namespace

Shard parse_shard(std::string_view text, const Environment& environment) {
  const std::size_t slash = text.find('/');
  const std::string_view index = text.substr(0, slash);
  std::optional<std::int64_t> count;
  if (slash != std::string_view::npos)
    count = whole_number("--shard", text.substr(slash + 1), 1, kMost);
  if (index != "auto") {
    if (!count) refuse(text, "expected I/N, as in 0/8, or auto, or auto/N");
    return checked(text, whole_number("--shard", index, 0, kMost), *count);
  }
  if (const auto task = number(environment, "SLURM_ARRAY_TASK_ID"))
    return count ? checked(text, *task, *count) : of_array(text, *task, environment);
  const auto completion = number(environment, "JOB_COMPLETION_INDEX");
  if (!completion) refuse(text, "neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set");
  if (!count) refuse(text, "JOB_COMPLETION_INDEX comes without a count; expected auto/N");
  return checked(text, *completion, *count);
}

void add_batch_options(CLI::App& command, BatchOptions& options) {
  const std::string group = "Many tracks";
  command
      .add_option(
          "--list", options.list,
          "Take the tracks from this file too, - for standard input: one path a line, JSON with "
          "\"path\" or \"track\", or a playlist (.m3u)")
      ->check(not_empty())
      ->type_name("FILE")
      ->group(group);
  command
      .add_option_function<std::string>(
          "--shard",
          [&options](const std::string& text) {
            options.shard = parse_shard(text, [](const char* name) { return std::getenv(name); });
          },
          "Do part I of N of the tracks, from 0/N to N-1/N; auto: as the Slurm array says; auto/N: "
          "I from SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX")
      ->type_name("I/N")
      ->group(group);
  command
      .add_flag("--skip-existing", options.skip_existing,
                "Leave tracks whose stems are there, made of the same input by the same model, "
                "options and version; make the others again")
      ->group(group);
  command
      .add_flag("--overwrite", options.overwrite,
                "Replace stems that are there; without it the program asks, and where there is no "
                "terminal such a track is an error")
      ->group(group);
  command
      .add_option("--manifest", options.manifest,
                  "Append a line of JSON to this file as each track ends; several processes may "
                  "share it")
      ->check(not_empty())
      ->type_name("FILE")
      ->group(group);
  command
      .add_flag("--dry-run", options.dry_run,
                "Say what would be done with each track, and do nothing")
      ->group(group);
}

}  // namespace metalaudio::apps
