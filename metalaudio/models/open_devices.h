#pragma once

#include <metalaudio/core/audio_device.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace metalaudio::models {

/// Where a model runs.
struct OpenDevices {
  std::vector<std::shared_ptr<AudioDevice>> gpus = {};  ///< for ModelOptions; none: the CPU
  std::string text = "cpu";                             ///< for a person: "cuda:0 (NVIDIA H100)"
  std::string no_gpu = {};                              ///< why `auto` took the CPU
};

/// Whether it is a way to say where: cpu, cuda, cuda:1, cuda:0,cuda:1, or auto, which is the first
/// GPU where one answers and the CPU otherwise.
bool names_devices(std::string_view devices);

/// Errors:   throws Error{invalid_argument} for something else, or a GPU that is named twice;
///           Error{backend_unavailable} where a GPU that is named does not answer, and says why.
/// Threads:  any; offline.
OpenDevices open_devices(std::string_view devices);

/// Those of one of several jobs that run at a time: all of them for one job alone, otherwise one, with
/// a stream of its own.
/// Errors:   throws Error{backend_unavailable, out_of_memory} where another stream cannot be had.
/// Threads:  any; offline.
std::vector<std::shared_ptr<AudioDevice>> devices_of_job(const OpenDevices& devices,
                                                         std::size_t job, std::size_t jobs);
/// The GPUs on which it goes on, in this order, when its own is lost; for ModelOptions.
std::vector<int> spares_of_job(const OpenDevices& devices, std::size_t job, std::size_t jobs);

}  // namespace metalaudio::models
