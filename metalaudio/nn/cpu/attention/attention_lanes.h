#pragma once

#include <metalaudio/nn/cpu/attention/attention_tiles.h>

#include <cstddef>

namespace metalaudio::nn::cpu {

/// The arithmetic of AttentionTiles in float32 vectors, each lane of which is a query: keys and
/// values are read as they lie, one number for all lanes, the weights of a key are what the second
/// product reads, and greatest scores and sums take no step across lanes.
/// Threads:  a constant.
/// Realtime: pack, attend.
class AttentionLanes {
 public:
  /// It has no parts; the argument stands where those of AttentionTiles do.
  AttentionLanes(std::size_t, const HeadSize& size) : size_(size) {}

  static constexpr std::size_t kQueries = 32;
  static constexpr std::size_t kPackedKeys = 480;

  std::size_t packed_bytes() const noexcept {
    return (size_.keys * (size_.depth + size_.width) * sizeof(float) + 63) / 64 * 64;
  }
  std::size_t scratch_floats() const noexcept;
  /// Whether one of them is infinite.
  bool pack(Rows keys, Rows values, std::size_t block, std::byte* to) const noexcept;
  void attend(Rows queries, std::size_t rows, const std::byte* packed, float* scratch, float* y,
              std::ptrdiff_t y_stride) const noexcept;

 private:
  HeadSize size_;
};

}  // namespace metalaudio::nn::cpu
