#pragma once

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

}  // namespace metalaudio
