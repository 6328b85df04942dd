#include "apps/commands/model_choice.h"

#include <fmt/ranges.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>
#include <metalaudio/models/load_model.h>
#include <metalaudio/repository/model_repository.h>

#include <memory>
#include <optional>
#include <utility>

#include "apps/terminal/failure_text.h"

namespace metalaudio::apps {
namespace {

repository::ModelRepository open_repository(const SeparateOptions& options) {
  return options.repo.empty() ? repository::ModelRepository()
                              : repository::ModelRepository(options.repo);
}

/// Of the segment that the model was trained with.
constexpr double kShortestSegment = 0.1;

}  // namespace

ModelChoice choose_model(const SeparateOptions& options) {
  const repository::ModelRepository repository = open_repository(options);
  ModelChoice choice;
  choice.by_default = options.model.empty();
  choice.bag = repository.find(choice.by_default ? repository.default_model() : options.model);
  const models::ModelInfo info = models::inspect_model(choice.bag.models.at(0));
  choice.sources = info.sources;
  choice.longest_segment_seconds = info.segment_seconds;
  choice.sample_rate_hz = info.sample_rate_hz;
  choice.channels = info.channels;
  choice.largest_shift_samples = info.sample_rate_hz / 2;
  return choice;
}

void check_against_model(const SeparateOptions& options, const ModelChoice& choice) {
  if (options.segment_seconds.value_or(0.0) > choice.longest_segment_seconds)
    fail(ErrorCode::invalid_argument,
         "--segment {}: the model {} was trained with {} s and cannot take longer ones",
         *options.segment_seconds, choice.bag.name, choice.longest_segment_seconds);
  // A chunk costs as much as a whole segment however short it is, and has no more context than its
  // own length.
  const double shortest = kShortestSegment * choice.longest_segment_seconds;
  if (options.segment_seconds && *options.segment_seconds < shortest)
    fail(ErrorCode::invalid_argument,
         "--segment {}: the model {} was trained with {} s; at least a tenth of it makes sense",
         *options.segment_seconds, choice.bag.name, choice.longest_segment_seconds);
  for (const std::int64_t offset : options.shift_offsets)
    if (offset < 0 || offset > choice.largest_shift_samples)
      fail(ErrorCode::invalid_argument, "--shift-offsets {}: expected 0 to {}", offset,
           counted(choice.largest_shift_samples, "sample"));
  const std::size_t given = options.shift_offsets.size();
  const auto shifts = static_cast<std::size_t>(options.shifts);
  const std::size_t all = shifts * choice.bag.models.size();
  if (given != 0 && given != shifts && given != all)
    fail(ErrorCode::invalid_argument,
         "--shift-offsets: {} given; --shifts {} needs {}, or {} for the {}", given, shifts, shifts,
         all, counted(choice.bag.models.size(), "model"));
}

separation::BagFiles bag_files(const ModelChoice& choice) {
  return {choice.bag.models, choice.bag.weights, choice.bag.segment};
}

std::string model_list(const SeparateOptions& options) {
  return fmt::format("{}", fmt::join(open_repository(options).list(), "\n"));
}

}  // namespace metalaudio::apps
