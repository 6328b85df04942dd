#include <metalaudio/core/instruction_sets.h>
#include <metalaudio/nn/cpu/gemm/pair_products.h>

#include <cstdint>

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#define METALAUDIO_AMX __attribute__((target("amx-tile,amx-bf16")))
#endif

namespace metalaudio::nn::cpu {

namespace {

constexpr std::size_t kTileRows = 16;

#if defined(METALAUDIO_AMX)

/// The shape of all eight tiles: 16 rows of 64 bytes.
struct alignas(64) TileConfiguration {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

METALAUDIO_AMX void configure_tiles() noexcept {
  static constexpr TileConfiguration kConfiguration;
  _tile_loadconfig(&kConfiguration);
}

METALAUDIO_AMX void release_tiles() noexcept { _tile_release(); }

/// Four tiles of sums that start at the biases.
template <std::size_t kParts>
METALAUDIO_AMX void multiply_tiles(const PairBlock& product) noexcept {
  const float* bias = product.bias;
  _tile_loadd(0, bias, 0);
  _tile_loadd(1, bias + kPairTileColumns, 0);
  _tile_loadd(2, bias, 0);
  _tile_loadd(3, bias + kPairTileColumns, 0);
  for (const PairOperand& operand : product.operands) {
    const auto stride = static_cast<long>(operand.stride * sizeof(BFloat16));
    const BFloat16* low = operand.base + product.row * operand.stride;
    const BFloat16* high = low + kTileRows * operand.stride;
    const BFloat16* b = product.panel + operand.first_block * 2 * kParts * kPairTileElements;
    for (std::size_t block = 0; block < operand.blocks; ++block) {
      _tile_loadd(4, low, stride);
      _tile_loadd(6, b, 64);
      _tile_loadd(7, b + kPairTileElements, 64);
      _tile_loadd(5, high, stride);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
      if constexpr (kParts == 2) {
        _tile_loadd(4, low + product.small, stride);
        _tile_loadd(5, high + product.small, stride);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
        _tile_loadd(4, low, stride);
        _tile_loadd(6, b + 2 * kPairTileElements, 64);
        _tile_loadd(7, b + 3 * kPairTileElements, 64);
        _tile_loadd(5, high, stride);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
      }
      low += kPairTileDepth;
      high += kPairTileDepth;
      b += 2 * kParts * kPairTileElements;
    }
  }
  float* to = product.to;
  const auto stride =
      static_cast<long>(product.to_stride * static_cast<std::ptrdiff_t>(sizeof(float)));
  _tile_stored(0, to, stride);
  _tile_stored(1, to + kPairTileColumns, stride);
  _tile_stored(2, to + 16 * product.to_stride, stride);
  _tile_stored(3, to + 16 * product.to_stride + kPairTileColumns, stride);
}

#else

void configure_tiles() noexcept {}
void release_tiles() noexcept {}
template <std::size_t kParts>
void multiply_tiles(const PairBlock&) noexcept {}

#endif

}  // namespace

const PairProducts& amx_products(std::size_t parts) noexcept {
  static constexpr PairProducts kOne{2 * kTileRows, configure_tiles, multiply_tiles<1>,
                                     release_tiles};
  static constexpr PairProducts kTwo{2 * kTileRows, configure_tiles, multiply_tiles<2>,
                                     release_tiles};
  return parts == 2 ? kTwo : kOne;
}

bool amx_is_granted() noexcept {
#if defined(METALAUDIO_AMX)
  static const bool granted = [] {
    constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
    constexpr long kTileData = 18;
    const InstructionSets sets = InstructionSets::detect();
    return sets.amx_bf16 && sets.avx512_bf16 &&
           syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  }();
  return granted;
#else
  return false;
#endif
}

}  // namespace metalaudio::nn::cpu
