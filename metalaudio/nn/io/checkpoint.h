#pragma once

#include <metalaudio/core/tensor.h>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>
#include <string>

namespace metalaudio::nn {

/// A trained network as upstream's tools save it: the class to build, its arguments, its weights.
/// A Fraction among the arguments is {"_type": "fraction", "numerator": 39, "denominator": 5}.
/// Shapes:   as PyTorch's state_dict; values are widened to float32.
struct Checkpoint {
  std::string klass;  ///< "demucs.htdemucs.HTDemucs"
  nlohmann::json args = nlohmann::json::array();
  nlohmann::json kwargs = nlohmann::json::object();
  std::map<std::string, Tensor> state;
};

/// How much of a file to read; configuration leaves the state empty.
enum class CheckpointPart { whole, configuration };

/// Reads a .th (torch zip or legacy) or .safetensors file, told apart by content.
/// Errors:   throws Error{not_found, io, invalid_data, unsupported, out_of_memory}, naming the file
///           and the reason.
/// Threads:  any; offline.
Checkpoint load_checkpoint(const std::filesystem::path& path,
                           CheckpointPart part = CheckpointPart::whole);

}  // namespace metalaudio::nn
