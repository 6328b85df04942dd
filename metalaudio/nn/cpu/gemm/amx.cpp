#include <metalaudio/core/instruction_sets.h>
#include <metalaudio/nn/cpu/gemm/amx.h>

#include <cstdint>

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#define METALAUDIO_AMX __attribute__((target("amx-tile")))
#endif

namespace metalaudio::nn::cpu {

#if defined(METALAUDIO_AMX)

namespace {

struct alignas(64) TileConfiguration {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

}  // namespace

METALAUDIO_AMX void configure_tiles() noexcept {
  static constexpr TileConfiguration kConfiguration;
  _tile_loadconfig(&kConfiguration);
}

METALAUDIO_AMX void release_tiles() noexcept { _tile_release(); }

bool amx_is_granted() noexcept {
  static const bool granted = [] {
    constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
    constexpr long kTileData = 18;
    const InstructionSets sets = InstructionSets::detect();
    return sets.amx_bf16 && sets.avx512_bf16 && __builtin_cpu_supports("avx512vbmi") &&
           syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  }();
  return granted;
}

#else

bool amx_is_granted() noexcept { return false; }
void configure_tiles() noexcept {}
void release_tiles() noexcept {}

#endif

}  // namespace metalaudio::nn::cpu
