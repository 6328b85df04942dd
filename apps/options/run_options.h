#pragma once

#include <metalaudio/nn/io/onnx/import_onnx.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "apps/commands/file_processing.h"

namespace metalaudio::apps {

/// What `metalaudio run` was told.
struct RunOptions {
  std::filesystem::path model;
  FileProcessingOptions file;         ///< the audio; `out` is a folder where there are tensors
  std::vector<std::string> tensors;   ///< NAME=FILE.npy
  std::vector<std::string> bindings;  ///< NAME=FILE.npy or NAME=number
  std::vector<std::string> states;    ///< OUT=IN
  int steps = 1;
  int rate_hz = 0;  ///< that the model is for; 0: the file's
  int block = 512;  ///< frames of one step, where the model leaves it open
  bool profile = false;
  bool dot = false;
  bool list = false;
};

/// "name=value", split at the first "=" that has something on both sides.
/// Errors:   throws Error{invalid_argument} with the option's name.
std::pair<std::string, std::string> split_assignment(const std::string& text, const char* option);

/// How the model is to be imported: tensors as samples, bindings as constants, states from the
/// options and, where `by_name`, from the names that go together: state and stateN, cache and
/// cache_out, h_in and h_out.
nn::OnnxOptions import_options(const RunOptions& options, const nn::OnnxSummary& summary,
                               bool by_name);

/// A value's name as a file's.
std::string file_name_of(std::string name);

}  // namespace metalaudio::apps
