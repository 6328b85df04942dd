#pragma once

#include <cuda_runtime_api.h>

namespace metalaudio::cuda {

/// The bytes of shared memory that a block may ask for.
inline cudaError_t most_shared_bytes(int device, int& bytes) noexcept {
  return cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
}

}  // namespace metalaudio::cuda
