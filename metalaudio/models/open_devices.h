#pragma once

#include <metalaudio/core/audio_device.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace metalaudio::models {

/// Where a model runs.
struct OpenDevices {
  std::vector<std::shared_ptr<AudioDevice>> gpus = {};  ///< for ModelOptions; none: the CPU
  std::string text = "cpu";                             ///< for a person: "cuda:0 (NVIDIA H100)"
};

/// Whether it is a way to say where: cpu, cuda, cuda:1, cuda:0,cuda:1, or auto, which is the first
/// GPU where one answers and the CPU otherwise.
bool names_devices(std::string_view devices);

/// Errors:   throws Error{invalid_argument} for something else, or a GPU that is named twice;
///           Error{backend_unavailable} where a GPU that is named does not answer, and says why.
/// Threads:  any; offline.
OpenDevices open_devices(std::string_view devices);

}  // namespace metalaudio::models
