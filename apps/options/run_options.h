#pragma once

#include <metalaudio/nn/io/onnx/import_onnx.h>

#include <filesystem>
#include <optional>
#include <string>
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
  std::optional<int> steps;
  std::optional<int> rate_hz;  ///< that the model is for; nothing: the file's
  std::optional<int> block;    ///< frames of one step, where the model leaves it open
  bool profile = false;
  bool dot = false;
  bool list = false;
};

/// What the options say of a model's inputs and outputs.
struct RunValues {
  std::map<std::string, Tensor> tensors = {};
  std::map<std::string, std::variant<double, Tensor>> bindings = {};
  std::vector<nn::OnnxState> states = {};
  std::vector<std::filesystem::path> files = {};  ///< that were read
};

/// Reads them. A name may hold "=" where the model has it.
/// Errors:   throws Error{invalid_argument} for what is not NAME=VALUE, a value given twice, a
///           state that the model has not; what load_npy throws.
RunValues read_values(const RunOptions& options, const nn::OnnxSummary& summary);

/// Adds states whose names go together: state and stateN, cache and cache_out, h_in and h_out, h0
/// and hn. Unless given_too, inputs whose tensor is given are not linked; where that would link all
/// inputs, the first that is not named as a state is left.
void link_by_name(RunValues& values, const nn::OnnxSummary& summary, bool given_too);

/// "x (f32[1, n]), sr (i64[])"; "none" where there are none.
std::string port_list(const std::vector<nn::OnnxPort>& ports);

/// The inputs that are neither given nor bound nor linked.
std::vector<nn::OnnxPort> open_inputs(const RunValues& values, const nn::OnnxSummary& summary);

/// A value's name as a file's.
std::string file_name_of(std::string name);

}  // namespace metalaudio::apps
