#pragma once

#include <metalaudio/core/gpu_profile.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace metalaudio {

/// How many threads run a kernel, in blocks that share memory. A value.
struct LaunchShape {
  std::uint32_t blocks = 1;
  std::uint32_t threads = 256;     ///< of each block
  std::uint32_t shared_bytes = 0;  ///< of each block, beyond what the kernel declares
};

/// One compiled kernel on one device.
/// Errors:   launch throws Error{invalid_argument} on a shape that the device refuses, and
///           Error{backend_unavailable} when the device was lost.
/// Threads:  any.
class Kernel {
 public:
  virtual ~Kernel() = default;
  /// Gives it to the device's stream and returns; `arguments` are the addresses of its parameters,
  /// in order.
  virtual void launch(const LaunchShape& shape, std::span<void* const> arguments) const = 0;
};

/// What a kernel is compiled from: CUDA C++, and the name of a __global__ function in it.
struct KernelSource {
  std::string source;
  std::string entry;
  std::vector<std::string> options{};  ///< of NVRTC, beside the architecture: "--use_fast_math"
};

/// What a GPU has beyond memory: staging memory of the host that it reaches by itself, copies that
/// do not wait, kernels compiled at run time, and a state that changes.
/// Errors:   as AudioDevice's. compile throws Error{invalid_argument} with the compiler's log, and
///           Error{backend_unavailable} where there is no compiler.
/// Threads:  any; the copies and kernels run in the order in which the stream was given them.
class Accelerator {
 public:
  virtual ~Accelerator() = default;

  /// Host memory, 64-byte aligned, of any content.
  virtual void* allocate_staging(std::size_t bytes) = 0;
  virtual void deallocate_staging(void* host) noexcept = 0;
  /// `staging` stays untouched until the device's synchronize().
  virtual void upload_async(void* handle, std::size_t offset, const void* staging,
                            std::size_t bytes) = 0;
  /// The bytes are there after the device's synchronize().
  virtual void download_async(void* staging, const void* handle, std::size_t offset,
                              std::size_t bytes) = 0;
  /// Compiled once for all that ask, and remembered.
  virtual std::shared_ptr<const Kernel> compile(const KernelSource& source) = 0;
  /// As it is now.
  virtual GpuState state() const = 0;
};

}  // namespace metalaudio
