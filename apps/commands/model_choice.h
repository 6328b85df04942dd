#pragma once

#include <metalaudio/repository/model_bag.h>
#include <metalaudio/separation/bag.h>

#include <cstdint>
#include <string>
#include <vector>

#include "apps/options/separate_options.h"

namespace metalaudio::apps {

/// The model that a run uses, before its weights are loaded.
struct ModelChoice {
  repository::ModelBag bag;
  std::vector<std::string> sources;
  int sample_rate_hz = 0;
  std::size_t channels = 0;
  double longest_segment_seconds = 0.0;  ///< what the first member was trained with
  std::int64_t largest_shift_samples = 0;
  bool by_default = false;  ///< the user named none
};

/// What --name and --repo say, or the default model.
/// Errors:   as repository::ModelRepository and models::inspect_model.
ModelChoice choose_model(const SeparateOptions& options);

/// What an option may be depends on the model.
/// Errors:   throws Error{invalid_argument} for a segment or shift offsets that it cannot take.
void check_against_model(const SeparateOptions& options, const ModelChoice& choice);

/// The same for separation::load_separator.
separation::BagFiles bag_files(const ModelChoice& choice);

/// The names of the models that -n takes, one in each line.
std::string model_list(const SeparateOptions& options);

}  // namespace metalaudio::apps
