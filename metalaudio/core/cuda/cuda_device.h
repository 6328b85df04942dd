#pragma once

#include <metalaudio/core/audio_device.h>

#include <memory>
#include <vector>

namespace metalaudio {

/// Empty where no driver answers or the CUDA part was not built.
std::vector<DeviceProperties> list_cuda_devices();

/// Errors:   throws Error{backend_unavailable}.
std::shared_ptr<AudioDevice> make_cuda_device(int index);

}  // namespace metalaudio
