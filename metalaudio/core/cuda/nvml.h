#pragma once

#include <metalaudio/core/gpu_profile.h>

namespace metalaudio::cuda {

/// Clocks, heat, throttling and free memory of a GPU from NVML, the driver's own library, which is
/// loaded at run time; what it does not say, and all without it, stays as it is in `state`.
/// Threads:  any.
void read_nvml(int index, GpuState& state) noexcept;
/// Of the GPU on this place of the bus, as in "0000:65:00.0".
void read_nvml(const char* bus, GpuState& state) noexcept;

}  // namespace metalaudio::cuda
