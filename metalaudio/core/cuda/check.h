#pragma once

#include <metalaudio/core/error.h>

#include <cuda_runtime_api.h>

namespace metalaudio::cuda {

/// Throws Error{out_of_memory} or Error{backend_unavailable} where a call of the runtime failed.
inline void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  cudaGetLastError();  // one that is not sticky is told once
  const ErrorCode code = error == cudaErrorMemoryAllocation ? ErrorCode::out_of_memory
                                                            : ErrorCode::backend_unavailable;
  fail(code, "[AudioDevice] cuda: {}: {}", what, cudaGetErrorString(error));
}

/// Makes a device the current one of this thread while it lives.
/// Threads:  one.
class CurrentDevice {
 public:
  explicit CurrentDevice(int index) noexcept {
    cudaGetDevice(&before_);
    if (before_ != index) cudaSetDevice(index);
    changed_ = before_ != index;
  }
  ~CurrentDevice() {
    if (changed_) cudaSetDevice(before_);
  }
  CurrentDevice(const CurrentDevice&) = delete;
  CurrentDevice& operator=(const CurrentDevice&) = delete;

 private:
  int before_ = 0;
  bool changed_ = false;
};

}  // namespace metalaudio::cuda
