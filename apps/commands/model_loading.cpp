#include "apps/commands/model_loading.h"

#include <fmt/ranges.h>
#include <metalaudio/core/error.h>
#include <metalaudio/models/htdemucs/config.h>
#include <metalaudio/models/htdemucs/htdemucs.h>
#include <metalaudio/nn/io/checkpoint.h>
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

/// Runs what reads a model file; its failures name the file.
template <typename Function>
auto naming_file(const std::filesystem::path& path, Function function) {
  try {
    return function();
  } catch (const Error& error) {
    throw Error(error.code(), failure_text(path.string(), error.what()));
  }
}

/// Of the segment that the model was trained with.
constexpr double kShortestSegment = 0.1;

double trained_segment(const models::HTDemucsConfig& config) {
  return static_cast<double>(config.segment_numerator) /
         static_cast<double>(config.segment_denominator);
}

/// Upstream sets the segment of every member that was trained for at least as long a one.
void shorten_segment(nn::Checkpoint& checkpoint, const std::optional<double>& segment) {
  if (!segment) return;
  const double trained = trained_segment(models::read_htdemucs_config(checkpoint));
  if (*segment <= trained) checkpoint.kwargs["segment"] = *segment;
}

std::vector<std::vector<float>> member_weights(const ModelChoice& choice) {
  std::vector<std::vector<float>> weights(choice.bag.models.size());
  for (std::size_t i = 0; i < choice.bag.weights.size() && i < weights.size(); ++i)
    weights[i].assign(choice.bag.weights[i].begin(), choice.bag.weights[i].end());
  return weights;
}

}  // namespace

ModelChoice choose_model(const SeparateOptions& options) {
  const repository::ModelRepository repository = open_repository(options);
  ModelChoice choice;
  choice.by_default = options.model.empty();
  choice.bag = repository.find(choice.by_default ? repository.default_model() : options.model);
  const std::filesystem::path& first = choice.bag.models.at(0);
  const models::HTDemucsConfig config = naming_file(first, [&] {
    return models::read_htdemucs_config(
        nn::load_checkpoint(first, nn::CheckpointPart::configuration));
  });
  choice.sources = config.sources;
  choice.longest_segment_seconds = trained_segment(config);
  choice.largest_shift_samples = config.samplerate / 2;
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
      fail(ErrorCode::invalid_argument, "--shift-offsets {}: expected 0 to {} samples", offset,
           choice.largest_shift_samples);
  const std::size_t given = options.shift_offsets.size();
  const auto shifts = static_cast<std::size_t>(options.shifts);
  const std::size_t all = shifts * choice.bag.models.size();
  if (given != 0 && given != shifts && given != all)
    fail(ErrorCode::invalid_argument,
         "--shift-offsets: {} given; --shifts {} needs {}, or {} for the {} models", given, shifts,
         shifts, all, choice.bag.models.size());
}

separation::Separator load_separator(const ModelChoice& choice,
                                     const std::vector<std::string>& stems,
                                     const models::HTDemucsOptions& options, ThreadPool& pool) {
  const std::vector<std::vector<float>> weights = member_weights(choice);
  const std::vector<bool> needed = separation::needed_members(weights, choice.sources, stems);
  std::vector<separation::BagMember> members;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    separation::BagMember member{nullptr, weights[i]};
    if (needed[i])
      member.model = naming_file(choice.bag.models[i], [&] {
        nn::Checkpoint checkpoint = nn::load_checkpoint(choice.bag.models[i]);
        shorten_segment(checkpoint, choice.bag.segment);
        return std::make_unique<models::HTDemucs>(checkpoint, options, pool);
      });
    members.push_back(std::move(member));
  }
  return separation::Separator(std::move(members));
}

std::string model_list(const SeparateOptions& options) {
  return fmt::format("{}", fmt::join(open_repository(options).list(), "\n"));
}

}  // namespace metalaudio::apps
