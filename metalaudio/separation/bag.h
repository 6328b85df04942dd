#pragma once

#include <metalaudio/core/thread_pool.h>
#include <metalaudio/models/load_model.h>
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

/// The files of those members that the stems need, as they were read.
/// Threads:  a constant.
struct BagContents {
  std::vector<std::optional<models::ModelFile>> models;
  std::vector<std::vector<float>> weights;
  std::optional<double> segment_seconds = {};
};

/// Reads those members of a bag that these stems need (none named: all), before it is known where
/// they are to run.
/// Errors:   as models::inspect_model and models::read_model, naming the file.
/// Threads:  any; offline.
BagContents read_bag(const BagFiles& bag, const std::vector<std::string>& stems);

/// Builds the networks of a bag; a file is forgotten once its network is there.
/// Errors:   as models::load_model, naming the file, and as Separator.
/// Threads:  as Separator; the pool outlives it.
Separator load_separator(BagContents contents, const models::ModelOptions& options,
                         ThreadPool& pool);
/// Reads and builds those that these stems need.
Separator load_separator(const BagFiles& bag, const std::vector<std::string>& stems,
                         const models::ModelOptions& options, ThreadPool& pool);

}  // namespace metalaudio::separation
