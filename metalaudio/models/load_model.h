#pragma once

#include <metalaudio/core/thread_pool.h>
#include <metalaudio/models/model_info.h>
#include <metalaudio/models/model_options.h>
#include <metalaudio/models/segment_model.h>

#include <filesystem>
#include <memory>

namespace metalaudio::nn {
class StateReader;
}

namespace metalaudio::models {

/// Reads what a model is; the family is told by the file's content.
/// Errors:   throws Error naming the file: as nn::load_state, Error{unsupported} for a file that no
///           network of this library takes, with what it holds instead.
/// Threads:  any; offline.
ModelInfo inspect_model(const std::filesystem::path& path);

/// A model's file, opened and known to be one, whose weights networks read while they are made.
/// Threads:  a constant.
struct ModelFile {
  std::filesystem::path path = {};
  std::shared_ptr<const nn::StateReader> contents = {};
};
/// Opens a file before it is known where its network is to run.
/// Errors:   as nn::load_state.
/// Threads:  any; offline.
ModelFile read_model(const std::filesystem::path& path);

/// Builds the network that a file holds the weights of.
/// Errors:   as inspect_model; Error{invalid_argument} for an option that the model does not take.
/// Threads:  any; the model shares its work with the pool, which outlives it.
std::unique_ptr<SegmentModel> load_model(const ModelFile& file, const ModelOptions& options,
                                         ThreadPool& pool);
std::unique_ptr<SegmentModel> load_model(const std::filesystem::path& path,
                                         const ModelOptions& options, ThreadPool& pool);

}  // namespace metalaudio::models
