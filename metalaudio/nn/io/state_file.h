#pragma once

#include <metalaudio/core/tensor.h>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>
#include <string>

namespace metalaudio::nn {

/// What a file of trained weights holds: named tensors, and whatever else was stored with them.
/// Of a torch file the metadata are the other entries of the pickled dictionary, as far as they are
/// plain values; a class is its name, a Fraction {"_type": "fraction", "numerator": 39,
/// "denominator": 5}. Of a safetensors file they are "__metadata__", whose values are texts.
/// Shapes:   as PyTorch's state_dict.
struct StateFile {
  std::map<std::string, Tensor> state;
  nlohmann::json metadata = nlohmann::json::object();
};

/// How much of a file to read; metadata leaves the state empty.
enum class StatePart { whole, metadata };

struct StateOptions {
  StatePart part = StatePart::whole;
  bool keep_types = false;  ///< tensors as they are stored, not widened to float32
};

/// Reads a torch file (zip or legacy) or a .safetensors file, told apart by content. A torch file
/// may be a state_dict, or a dictionary that has one under state, state_dict, model_state_dict,
/// model or best_state (the first of these that is there).
/// Errors:   throws Error{not_found, io, invalid_data, unsupported, out_of_memory}, naming the file
///           and the reason.
/// Threads:  any; offline.
StateFile load_state(const std::filesystem::path& path, const StateOptions& options = {});

}  // namespace metalaudio::nn
