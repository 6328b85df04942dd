#pragma once

#include <string_view>

namespace metalaudio {

/// What this CPU can do and the operating system lets it: a set that needs wider registers is there
/// only where the kernel saves them.
struct InstructionSets {
  bool avx2 = false;    ///< with FMA
  bool avx512 = false;  ///< F, BW, DQ, VL: what our kernels use
  bool avx512_vnni = false;
  bool avx512_bf16 = false;
  bool amx_bf16 = false;
  bool amx_int8 = false;
  bool neon = false;

  static InstructionSets detect() noexcept;
};

/// Keeps this process from using more than one of "ssse3", "avx2", "avx512", "avx512_bf16" and
/// "amx" and those before it: to compare them, or where a machine is faster or safer without.
/// Threads: before any other part of the library is used.
/// Errors: invalid_argument for another name.
void limit_instruction_sets(std::string_view highest);

/// The same for what METALAUDIO_MAX_ISA names, if it is set and not empty.
void limit_instruction_sets_by_environment();

}  // namespace metalaudio
