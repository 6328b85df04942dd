#pragma once

#include <metalaudio/core/audio_device.h>

#include <memory>
#include <string>
#include <vector>

namespace metalaudio {

/// A function of the CUDA part, libmetalaudio_cuda.so: a library of its own, which is loaded when
/// it is first asked for. It lies beside the program, in a lib folder next to the program's, or
/// where the system looks.
/// Errors:   throws Error{backend_unavailable}, which says why there is none: not built, no driver,
///           another version.
/// Threads:  any.
void* cuda_function(const char* name);

/// The same as a pointer to a function of that type.
template <typename Function>
Function* cuda_function_as(const char* name) {
  return reinterpret_cast<Function*>(cuda_function(name));
}

/// Empty where no driver answers or the CUDA part was not built.
std::vector<DeviceProperties> list_cuda_devices();

/// Errors:   throws Error{backend_unavailable}.
std::shared_ptr<AudioDevice> make_cuda_device(int index);

}  // namespace metalaudio
