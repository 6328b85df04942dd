#pragma once

#include <filesystem>
#include <string>

namespace metalaudio {

/// Runs one folder as ONNX's own tests keep them: model.onnx and
/// test_data_set_*/{input,output}_*.pb, the outputs compared at ONNX's tolerance. Empty where all
/// of them agree; otherwise the reason. Inputs that the importer needs constant are bound to the
/// values of the first set.
std::string run_node_test(const std::filesystem::path& folder, double relative = 1e-3,
                          double absolute = 1e-7);

}  // namespace metalaudio
