#pragma once

#include <metalaudio/core/buffer.h>
#include <metalaudio/dsp/batched/engines.h>

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>

namespace metalaudio::dsp::cuda {

/// Whether one of our own kernels transforms so many complex values on this device, which it then
/// gets ready for.
bool has_own_transform(std::size_t size, const AudioDevice& device);

/// The tables of such a transform, on the device.
Buffer make_tables(std::size_t size, const std::shared_ptr<AudioDevice>& device);

/// Of real signals of so many samples: half as many complex values; 0 where there is no such.
inline std::size_t half_of(std::size_t samples) { return samples % 2 == 0 ? samples / 2 : 0; }

/// Our own where there is one, otherwise cuFFT's.
std::unique_ptr<BatchedTransform> make_transform(SignalKind kind, std::size_t size,
                                                 const std::shared_ptr<AudioDevice>& device);

}  // namespace metalaudio::dsp::cuda
