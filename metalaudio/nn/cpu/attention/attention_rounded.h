#pragma once

#include <metalaudio/nn/cpu/attention/attention_tiles.h>

#include <cstddef>

namespace metalaudio::nn::cpu {

/// AttentionTiles of factors of one bfloat16. Scores are fixed-point numbers of 16 bits on their way
/// to weights, 1/256 of a power of two: their whole part is the exponent of a bfloat16. What is
/// subtracted from the scores is the greatest among the first keys, and only where the sum of the
/// weights then leaves its range, the greatest of all. The values have a column of ones more, whose
/// sum is that of the weights as they were rounded.
/// Threads:  a constant.
/// Realtime: pack, attend.
class RoundedAttention {
 public:
  RoundedAttention(std::size_t parts, const HeadSize& size);

  static constexpr std::size_t kQueries = 32;
  static constexpr std::size_t kPackedKeys = 512;

  std::size_t packed_bytes() const noexcept { return blocks_ * block_elements_ * 2; }
  std::size_t scratch_floats() const noexcept;
  /// Whether one of them is no finite bfloat16: weights of 16 bits are not for it.
  bool pack(Rows keys, Rows values, std::size_t block, std::byte* to) const noexcept;
  void attend(Rows queries, std::size_t rows, const std::byte* packed, float* scratch, float* y,
              std::ptrdiff_t y_stride) const noexcept;

 private:
  HeadSize size_;
  std::size_t depths_;          ///< blocks of 32
  std::size_t columns_;         ///< tiles of the values
  std::size_t blocks_;          ///< of 32 keys
  std::size_t block_elements_;  ///< keys, then values
};

}  // namespace metalaudio::nn::cpu
