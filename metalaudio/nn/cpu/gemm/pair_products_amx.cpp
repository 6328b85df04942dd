#include <metalaudio/core/instruction_sets.h>
#include <metalaudio/nn/cpu/gemm/pair_products.h>

#include <algorithm>
#include <cstdint>

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#define METALAUDIO_AMX __attribute__((target("amx-tile,amx-bf16,avx512f")))
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
        _tile_loadd(4, low + product.part_size, stride);
        _tile_loadd(5, high + product.part_size, stride);
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

/// Some blocks of one operand.
struct Stretch {
  const BFloat16* rows;
  std::size_t stride;
  std::size_t blocks;
  const BFloat16* panel;
};

METALAUDIO_AMX inline void load_rows(const BFloat16* rows, std::size_t stride) noexcept {
  const auto bytes = static_cast<long>(stride * sizeof(BFloat16));
  _tile_loadd(4, rows, bytes);
  _tile_loadd(5, rows + kTileRows * stride, bytes);
}

METALAUDIO_AMX inline void load_panel(const BFloat16* panel) noexcept {
  _tile_loadd(6, panel, 64);
  _tile_loadd(7, panel + kPairTileElements, 64);
}

METALAUDIO_AMX inline void add_products() noexcept {
  _tile_dpbf16ps(0, 4, 6);
  _tile_dpbf16ps(1, 4, 7);
  _tile_dpbf16ps(2, 5, 6);
  _tile_dpbf16ps(3, 5, 7);
}

/// The blocks whose sums are one before they are added to those before: with their rows they fit
/// into the first cache.
constexpr std::size_t kSummedBlocks = 8;
constexpr std::size_t kThirdBlock = 2 * 3 * kPairTileElements;

/// 32 rows from `row` on of a few stretches: of each block six products of parts, in an order in
/// which every one shares a factor with the one before, and the large one last.
METALAUDIO_AMX void sum_of_three(std::span<const Stretch> stretches, std::size_t row,
                                 std::size_t part_size, float* to) noexcept {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (const Stretch& s : stretches) {
    const BFloat16* a = s.rows + row * s.stride;
    const BFloat16* b = s.panel;
    for (std::size_t block = 0; block < s.blocks; ++block) {
      load_rows(a + 2 * part_size, s.stride);
      load_panel(b);
      add_products();
      load_rows(a + part_size, s.stride);
      add_products();
      load_panel(b + 2 * kPairTileElements);
      add_products();
      load_rows(a, s.stride);
      add_products();
      load_panel(b + 4 * kPairTileElements);
      add_products();
      load_panel(b);
      add_products();
      a += kPairTileDepth;
      b += kThirdBlock;
    }
  }
  constexpr long kStride = kPairPanelColumns * sizeof(float);
  _tile_stored(0, to, kStride);
  _tile_stored(1, to + kPairTileColumns, kStride);
  _tile_stored(2, to + kTileRows * kPairPanelColumns, kStride);
  _tile_stored(3, to + kTileRows * kPairPanelColumns + kPairTileColumns, kStride);
}

/// The sums of the first stretches are added to the bias, those of others to what came of it.
METALAUDIO_AMX void add_sums(const float* sums, const PairBlock& product, std::size_t row,
                             bool first) noexcept {
  for (std::size_t r = 0; r < 2 * kTileRows; ++r) {
    float* to = product.to + static_cast<std::ptrdiff_t>(row + r) * product.to_stride;
    const float* before = first ? product.bias : to;
    for (std::size_t c = 0; c < kPairPanelColumns; c += kPairTileColumns) {
      const __m512 sum = _mm512_loadu_ps(sums + r * kPairPanelColumns + c);
      _mm512_storeu_ps(to + c, _mm512_add_ps(_mm512_loadu_ps(before + c), sum));
    }
  }
}

METALAUDIO_AMX void multiply_three(const PairBlock& product) noexcept {
  alignas(64) float sums[2 * kTileRows * kPairPanelColumns];
  Stretch stretches[kSummedBlocks];
  std::size_t count = 0;
  std::size_t blocks = 0;
  bool first = true;
  const auto flush = [&] {
    for (std::size_t row = 0; row < product.rows; row += 2 * kTileRows) {
      sum_of_three({stretches, count}, row, product.part_size, sums);
      add_sums(sums, product, row, first);
    }
    count = blocks = 0;
    first = false;
  };
  for (const PairOperand& operand : product.operands) {
    const BFloat16* rows = operand.base + product.row * operand.stride;
    const BFloat16* panel = product.panel + operand.first_block * kThirdBlock;
    for (std::size_t done = 0; done < operand.blocks;) {
      const std::size_t some = std::min(kSummedBlocks - blocks, operand.blocks - done);
      stretches[count++] = {rows + done * kPairTileDepth, operand.stride, some,
                            panel + done * kThirdBlock};
      done += some;
      blocks += some;
      if (blocks == kSummedBlocks) flush();
    }
  }
  if (blocks > 0 || first) flush();
}

#else

void configure_tiles() noexcept {}
void multiply_three(const PairBlock&) noexcept {}
void release_tiles() noexcept {}
template <std::size_t kParts>
void multiply_tiles(const PairBlock&) noexcept {}

#endif

}  // namespace

const PairProducts& amx_products(std::size_t parts) noexcept {
  static constexpr PairProducts kOne{2 * kTileRows, false, configure_tiles, multiply_tiles<1>,
                                     release_tiles};
  static constexpr PairProducts kTwo{2 * kTileRows, false, configure_tiles, multiply_tiles<2>,
                                     release_tiles};
  static constexpr PairProducts kThree{2 * kTileRows, true, configure_tiles, multiply_three,
                                       release_tiles};
  return parts == 3 ? kThree : parts == 2 ? kTwo : kOne;
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
