#include <metalaudio/core/instruction_sets.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <cstdint>

namespace metalaudio {

#if defined(__x86_64__)

namespace {

/// The register states that the kernel saves: bits of XCR0.
std::uint64_t saved_states() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kOsxsave = 1U << 27;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kOsxsave) == 0) return 0;
  unsigned low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (std::uint64_t{high} << 32) | low;
}

}  // namespace

InstructionSets InstructionSets::detect() noexcept {
  InstructionSets sets;
  __builtin_cpu_init();
  sets.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  sets.avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  sets.avx512_vnni = sets.avx512 && __builtin_cpu_supports("avx512vnni");
  sets.avx512_bf16 = sets.avx512 && __builtin_cpu_supports("avx512bf16");

  // Compilers differ in whether they know AMX by name, so its bits are read here.
  constexpr std::uint64_t kTileStates = (1U << 17) | (1U << 18);
  constexpr unsigned kTile = 1U << 24, kBf16 = 1U << 22, kInt8 = 1U << 25;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if ((saved_states() & kTileStates) == kTileStates && __get_cpuid_count(7, 0, &a, &b, &c, &d)) {
    sets.amx_bf16 = (d & kTile) != 0 && (d & kBf16) != 0;
    sets.amx_int8 = (d & kTile) != 0 && (d & kInt8) != 0;
  }
  return sets;
}

#else

InstructionSets InstructionSets::detect() noexcept {
  InstructionSets sets;
#if defined(__aarch64__)
  sets.neon = true;  // part of the architecture
#endif
  return sets;
}

#endif

}  // namespace metalaudio
