#pragma once

#include <metalaudio/core/accelerator.h>

#include <string>

namespace metalaudio::cuda {

/// What NVRTC makes of a source: the kernel's name in the code, and the code.
struct CompiledKernel {
  std::string name;
  std::string code;  ///< machine code, or PTX for a GPU that is newer than the compiler

  /// As one text, and back; an empty name where it is none.
  std::string pack() const { return name + '\0' + code; }
  static CompiledKernel unpack(const std::string& packed);
};

/// Compiles for a GPU of this compute capability, with NVRTC as it is found at run time. An
/// architecture among the options of the source takes its place: "--gpu-architecture=sm_90a".
/// Errors:   throws Error{invalid_argument} with the compiler's log, Error{backend_unavailable}
///           where there is no NVRTC.
/// Threads:  any.
CompiledKernel compile_with_nvrtc(const KernelSource& source, int capability);

/// "nvrtc 13.0"; "no nvrtc" without one.
std::string nvrtc_version();

}  // namespace metalaudio::cuda
