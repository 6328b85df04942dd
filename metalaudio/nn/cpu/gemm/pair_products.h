#pragma once

#include <metalaudio/core/half.h>

#include <cstddef>
#include <span>

namespace metalaudio::nn::cpu {

constexpr std::size_t round_up(std::size_t n, std::size_t unit) noexcept {
  return (n + unit - 1) / unit * unit;
}

/// The tiles of 16 rows or columns and 32 depths that GemmPairs cuts its factors into.
constexpr std::size_t kPairTileColumns = 16;
constexpr std::size_t kPairTileDepth = 32;
constexpr std::size_t kPairTileElements = kPairTileColumns * kPairTileDepth;
constexpr std::size_t kPairPanelColumns = 2 * kPairTileColumns;
constexpr std::size_t kPairRows = 32;  ///< of a block of any unit, at most

/// Converted rows of one tap, or of all side by side: row r starts at base + r · stride, each of
/// its smaller parts `small` elements behind the one before. They multiply `blocks` blocks of the
/// matrix from the first on.
struct PairOperand {
  const BFloat16* base;
  std::size_t stride;
  std::size_t blocks;
  std::size_t first_block;
};

/// Sums that are still in the tiles: the lower rows of a block, which are stored while those of the
/// next are multiplied.
struct PairRest {
  float* to = nullptr;
  std::ptrdiff_t stride = 0;
};

/// What is brought into the second cache meanwhile: so many bytes for each block of depths.
struct PairAhead {
  const std::byte* from = nullptr;
  std::size_t bytes = 0;
};

/// A few rows, from `row` on, times one panel; the sums start at the panel's biases, where it has
/// any.
struct PairBlock {
  std::span<const PairOperand> operands;
  std::size_t row;
  std::size_t small;
  const BFloat16* panel;
  const float* bias;
  bool narrow;  ///< only the first of the panel's two vectors holds columns
  float* to;
  std::ptrdiff_t to_stride;
  PairRest* rest = nullptr;  ///< or null: nothing stays behind
  PairAhead ahead = {};
};

/// One unit of the processor that multiplies pairs of bfloat16 and adds in float32.
struct PairProducts {
  std::size_t rows;  ///< of one block
  /// Before the first block of a product, and after the last.
  void (*begin)() noexcept;
  void (*multiply)(const PairBlock& block) noexcept;
  void (*end)() noexcept;
  /// Stores what stayed behind; null: nothing does.
  void (*store)(PairRest& rest) noexcept = nullptr;
};

/// The tiles of AMX, factors of one part to three.
const PairProducts& amx_products(std::size_t parts) noexcept;
/// The vectors of AVX512-BF16, factors of one part.
const PairProducts& avx512_products() noexcept;

}  // namespace metalaudio::nn::cpu
