#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace metalaudio {

// What the CUDA part decides without a GPU, so that it is tested without one.

/// Whether code that was compiled for `architectures`, as CMake's CUDA_ARCHITECTURES names them
/// ("75 80-real 90a 120-virtual"), runs on a GPU of this compute capability: machine code on the
/// same major version, PTX on any newer GPU, "a" on that one alone and "f" on its family.
bool cuda_code_runs_on(std::string_view architectures, int major, int minor);

/// How the driver answered.
struct CudaAnswer {
  int devices = 0;
  int error = 0;  ///< cudaError_t of the count
  std::string error_text{};
  int driver_version = 0;                        ///< 12080 for CUDA 12.8; 0: none
  int runtime_version = 0;                       ///< what the part was built with
  std::optional<std::string> visible_devices{};  ///< CUDA_VISIBLE_DEVICES
};

/// Why no GPU answers, in words for a person; empty where one does.
std::string no_gpu_reason(const CudaAnswer& answer);

/// Why this GPU cannot be used by this build; empty where it can.
std::string wrong_architecture_reason(std::string_view architectures, int major, int minor);

}  // namespace metalaudio
