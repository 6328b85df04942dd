#pragma once

#include <metalaudio/nn/cpu/row_kernels.h>

#include <cstddef>

namespace metalaudio::nn::cpu {

/// One head of an attention.
struct HeadSize {
  std::size_t keys = 0;
  std::size_t depth = 0;  ///< of queries and keys
  std::size_t width = 0;  ///< of values
  float scale = 1;
};

/// softmax(scale · q kᵀ) v of one head in the tiles of AMX. A few hundred keys at a time meet a few
/// queries: their scores stay in the first cache, where they become weights; the greatest score and
/// the sum of the weights run along, and what was summed before is scaled where a greater one comes.
/// A factor is the sum of two or three bfloat16, as in GemmPairs: three hold a float32 exactly, and a
/// product then leaves out what lies below 2^-25 of it. Its sums are of 16 terms each, which are
/// then added.
/// Threads:  a constant.
/// Realtime: pack, attend.
class AttentionTiles {
 public:
  AttentionTiles(std::size_t parts, const HeadSize& size);

  /// Queries that are computed together.
  static constexpr std::size_t kQueries = 64;
  /// Keys and values are packed in blocks of so many, the last of fewer.
  static constexpr std::size_t kPackedKeys = 512;

  /// A multiple of 64.
  std::size_t packed_bytes() const noexcept { return (key_elements_ + value_elements_) * 2; }
  std::size_t scratch_floats() const noexcept;
  /// One block of keys and values, given where all of the head's begin. Whether one of them is
  /// infinite as bfloat16: it would become NaN.
  bool pack(Rows keys, Rows values, std::size_t block, std::byte* to) const noexcept;
  /// y[row] of up to kQueries rows. A row whose greatest score is an infinity, or that holds a NaN,
  /// becomes NaN. `scratch` is 64-byte aligned.
  void attend(Rows queries, std::size_t rows, const std::byte* packed, float* scratch, float* y,
              std::ptrdiff_t y_stride) const noexcept;

 private:
  std::size_t parts_;
  HeadSize size_;
  std::size_t part_depth_;  ///< of one part, whole pairs
  std::size_t row_depth_;   ///< of all parts, with the zeros that the last tile reads
  std::size_t key_elements_;
  std::size_t value_elements_;
};

}  // namespace metalaudio::nn::cpu
