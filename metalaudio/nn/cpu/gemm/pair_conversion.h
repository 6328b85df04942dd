#pragma once

#include <metalaudio/nn/cpu/gemm/gemm.h>
#include <metalaudio/nn/cpu/gemm/pair_products.h>

#include <cstddef>
#include <span>

namespace metalaudio::nn::cpu {

/// Converted rows a power of two apart would fall into the same lines of the cache.
constexpr std::size_t pair_row_of_depth(std::size_t depth) {
  return round_up(depth, kPairTileDepth) + kPairTileDepth;
}

/// The parts of from[count], `stride` elements apart: each is what those before it have left, rounded
/// to nearest even. Whether a number is infinite as bfloat16, of several parts.
/// Realtime: safe.
bool convert_to_parts(std::size_t parts, const float* from, std::size_t count, BFloat16* to,
                      std::size_t stride) noexcept;

/// Where the rows of a product are converted to, which GemmPairs::needs has reserved.
struct PairRoom {
  BFloat16* rows;
  std::size_t part_size;  ///< elements from one part of a row to the next
  PairOperand* operands;  ///< one a tap
};

/// Converts the rows of taps to so many parts, and what several taps read only once.
/// Realtime: all.
class PairRows {
 public:
  /// `padded` of the rows are read.
  PairRows(std::size_t parts, std::size_t rows, std::size_t padded, const PairRoom& room) noexcept
      : parts_(parts), rows_(rows), padded_(padded), room_(room), end_(room.rows) {}

  void convert(std::span<const GemmTap> taps, std::size_t depth, const MatrixSize& size) noexcept;
  std::span<const PairOperand> operands() const noexcept { return {room_.operands, count_}; }
  /// Whether one of the rows holds what is infinite as bfloat16.
  bool has_infinity() const noexcept { return has_infinity_; }

 private:
  void put(const float* from, std::size_t count, BFloat16* to) noexcept;
  void clear(BFloat16* to, std::size_t count) const noexcept;
  void put_row(const GemmTap& tap, std::ptrdiff_t row, std::size_t depth, BFloat16* to) noexcept;
  void side_by_side(std::span<const GemmTap> taps, std::size_t depth,
                    std::size_t matrix_depth) noexcept;
  void overlapping(const GemmTap& tap, std::size_t depth) noexcept;
  std::size_t shifted(std::span<const GemmTap> taps, std::size_t depth) noexcept;

  std::size_t parts_;
  std::size_t rows_;
  std::size_t padded_;
  PairRoom room_;
  BFloat16* end_;
  std::size_t count_ = 0;
  bool has_infinity_ = false;
};

/// One tile of a matrix, up to 16 columns from `column` and up to 32 depths from `depth` on, whose
/// parts are to lie two tiles apart. Returns whether one of its numbers is infinite as bfloat16.
bool pack_pair_tile(const MatrixView& matrix, std::size_t column, std::size_t columns,
                    std::size_t depth, std::size_t depths, std::size_t parts,
                    BFloat16* to) noexcept;

}  // namespace metalaudio::nn::cpu
