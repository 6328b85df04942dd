#pragma once

#include <metalaudio/core/thread_pool.h>
#include <metalaudio/models/model_options.h>
#include <metalaudio/separation/separator.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace metalaudio::separation {

/// The files of one model, or of several whose stems are averaged.
struct BagFiles {
  std::vector<std::filesystem::path> models;
  std::vector<std::vector<double>> weights = {};  ///< [models][sources]; empty: all ones
  std::optional<double> segment_seconds = {};     ///< in place of the models' own
};

/// Loads those members of a bag that these stems need (none named: all).
/// Errors:   as models::load_model, naming the file, and as Separator.
/// Threads:  as Separator; the pool outlives it.
Separator load_separator(const BagFiles& bag, const std::vector<std::string>& stems,
                         const models::ModelOptions& options, ThreadPool& pool);

}  // namespace metalaudio::separation
