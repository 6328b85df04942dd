#include <metalaudio/core/cuda/shared_memory.h>
#include <metalaudio/nn/cuda/kernels/device_limits.h>

#include <cuda_runtime_api.h>

#include <algorithm>

namespace metalaudio::nn::cuda {

DeviceLimits limits_of(int device) {
  int major = 0;
  int minor = 0;
  DeviceLimits limits;
  cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
  cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device);
  metalaudio::cuda::most_shared_bytes(device, limits.shared_bytes);
  limits.capability = 10 * major + minor;
#ifdef METALAUDIO_CUDA_LIKE
  // A build for tests of what older devices take.
  limits.capability = std::min(limits.capability, METALAUDIO_CUDA_LIKE);
  const int shared = limits.capability < 80    ? 64 << 10
                     : limits.capability == 80 ? 163 << 10
                                               : 99 << 10;
  limits.shared_bytes = std::min(limits.shared_bytes, shared);
#endif
  limits.shared_bytes -= 1024;  // for what a kernel declares by itself
  return limits;
}

DeviceLimits current_limits() {
  int device = 0;
  cudaGetDevice(&device);
  return limits_of(device);
}

}  // namespace metalaudio::nn::cuda
