#pragma once

#include <metalaudio/core/tensor.h>
#include <metalaudio/nn/graph/graph.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace metalaudio::nn {

/// An input that a model reads from what one of its outputs was in the run before.
struct OnnxState {
  std::string output = {};
  std::string input = {};
  std::optional<Tensor> initial = {};  ///< nothing: zeros
  bool keep_output = false;  ///< it is copied for every run; otherwise it is no output any more
};

/// How a model is to be imported.
struct OnnxOptions {
  std::map<std::string, Shape> shapes = {};             ///< of inputs, by name
  std::map<std::string, std::int64_t> dimensions = {};  ///< of inputs, by symbol
  /// Inputs that are constants from here on; a number takes the type of its input.
  std::map<std::string, std::variant<double, Tensor>> constants = {};
  std::vector<OnnxState> states = {};
  /// Recurrent layers whose initial state is constant begin each run with what the last one left.
  bool carry_states = false;
  /// Values of inputs that may be made constants where the model cannot be imported otherwise; they
  /// also give the inputs' shapes.
  std::map<std::string, Tensor> samples = {};
  /// Constants and states that are larger are refused, as are computed constants, and sparse tensors,
  /// that are larger together: a file's few bytes can ask for terabytes.
  std::size_t constant_limit_bytes = std::size_t{4} << 30U;
};

/// Reads an ONNX model (opset 7 and later; what ONNX's own operations mean, and those of its
/// functions) into a graph: shapes fixed, what depends on constants computed, `If` decided where
/// its condition is known. The graph's inputs and outputs are the model's, less those that options
/// took.
/// Errors:   throws Error{invalid_data} on a broken file or model, Error{unsupported} that lists
///           all nodes which cannot be imported, Error{invalid_argument} on options that do not fit,
///           Error{not_found, io, out_of_memory}.
/// Threads:  any; offline.
Graph import_onnx(const std::filesystem::path& path, const OnnxOptions& options = {});
/// The same from memory; tensors in other files are looked for in `folder`.
Graph import_onnx(std::span<const std::byte> bytes, const OnnxOptions& options = {},
                  const std::filesystem::path& folder = {});

/// An input or output as the file has it: "float32" with axes "1, batch, ?".
struct OnnxPort {
  std::string name = {};
  std::string type = {};
  std::vector<std::string> axes = {};
};

/// What is in a model, whether or not it can be imported.
struct OnnxSummary {
  std::int64_t opset = 0;
  std::vector<OnnxPort> inputs = {};
  std::vector<OnnxPort> defaults = {};  ///< inputs that have a value unless another is bound
  std::vector<OnnxPort> outputs = {};
  std::map<std::string, std::size_t> operations = {};  ///< with those of branches and functions
  std::vector<std::string> unsupported = {};           ///< "Loop (loop_12)"
};

/// Errors:   as import_onnx, for the file alone.
OnnxSummary inspect_onnx(const std::filesystem::path& path);
OnnxSummary inspect_onnx(std::span<const std::byte> bytes);

}  // namespace metalaudio::nn
