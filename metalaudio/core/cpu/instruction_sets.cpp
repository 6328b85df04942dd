#include <hwy/targets.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/instruction_sets.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>

namespace metalaudio {

namespace {

/// In the order in which each comes with those before it.
constexpr std::array<std::string_view, 5> kLevels = {"ssse3", "avx2", "avx512", "avx512_bf16",
                                                     "amx"};
enum Level { kAvx2 = 1, kAvx512, kAvx512Bf16, kAmx };

int highest_level = kAmx;

void limit(std::string_view highest, const char* where) {
  const auto found = std::ranges::find(kLevels, highest);
  if (found == kLevels.end()) {
    fail(ErrorCode::invalid_argument,
         "{} is \"{}\"; it must be ssse3, avx2, avx512, avx512_bf16 or amx", where, highest);
  }
  highest_level = static_cast<int>(found - kLevels.begin());
  std::int64_t disabled = 0;
  if (highest_level < kAvx512) disabled |= HWY_AVX3 | HWY_AVX3_DL;
  if (highest_level < kAvx2) disabled |= HWY_AVX2;
  hwy::DisableTargets(disabled);
}

}  // namespace

void limit_instruction_sets(std::string_view highest) { limit(highest, "the instruction set"); }

void limit_instruction_sets_by_environment() {
  const char* const highest = std::getenv("METALAUDIO_MAX_ISA");
  if (highest != nullptr && *highest != 0) limit(highest, "METALAUDIO_MAX_ISA");
}

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
  sets.avx2 &= highest_level >= kAvx2;
  sets.avx512 &= highest_level >= kAvx512;
  sets.avx512_vnni &= highest_level >= kAvx512;
  sets.avx512_bf16 &= highest_level >= kAvx512Bf16;
  sets.amx_bf16 &= highest_level >= kAmx;
  sets.amx_int8 &= highest_level >= kAmx;
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
