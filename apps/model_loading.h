#pragma once

#include <metalaudio/core/thread_pool.h>
#include <metalaudio/models/htdemucs/htdemucs.h>
#include <metalaudio/models/repository/model_bag.h>
#include <metalaudio/models/separation/separator.h>

#include <string>
#include <vector>

#include "apps/separate_options.h"

namespace metalaudio::apps {

/// The model that a run uses, before its weights are loaded.
struct ModelChoice {
  models::ModelBag bag;
  std::vector<std::string> sources;
  bool by_default = false;  ///< the user named none
};

/// What --name and --repo say, or the default model.
/// Errors:   as models::ModelRepository and nn::load_checkpoint.
ModelChoice choose_model(const SeparateOptions& options);

/// Loads the members of the bag that these stems need.
/// Errors:   as nn::load_checkpoint and models::HTDemucs, naming the file.
models::Separator load_separator(const ModelChoice& choice, const std::vector<std::string>& stems,
                                 const models::HTDemucsOptions& options, ThreadPool& pool);

/// The names of the models that -n takes, one in each line.
std::string model_list(const SeparateOptions& options);

}  // namespace metalaudio::apps
