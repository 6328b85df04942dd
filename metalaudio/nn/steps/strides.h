#pragma once

#include <metalaudio/core/shape.h>

#include <array>
#include <cstdint>

namespace metalaudio::nn {

/// How far one step along each axis moves, in elements.
using Strides = std::array<std::int64_t, Shape::kMaxRank>;

/// The strides of a dense array.
Strides dense_strides(const Shape& shape) noexcept;

/// The strides with which a dense array of `shape` is read when it is repeated to `full`: 0 where
/// it repeats. Axes count from the last.
Strides broadcast_strides(const Shape& shape, const Shape& full) noexcept;

/// Elements of N arrays visited together: axes that are contiguous in all of them are merged, and
/// the innermost is handed out as a run.
template <std::size_t N>
class LoopNest {
 public:
  LoopNest() = default;
  LoopNest(const Shape& shape, const std::array<Strides, N>& strides) {
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
      if (shape[axis] == 1) continue;
      if (rank_ > 0 && continues(shape[axis], axis, strides)) {
        extents_[rank_ - 1] *= shape[axis];
      } else {
        extents_[rank_++] = shape[axis];
      }
      for (std::size_t n = 0; n < N; ++n) strides_[n][rank_ - 1] = strides[n][axis];
    }
    if (rank_ == 0) {
      rank_ = 1;
      extents_[0] = 1;
    }
    for (std::size_t axis = 0; axis + 1 < rank_; ++axis) runs_ *= extents_[axis];
    if (shape.size() == 0) runs_ = 0;
  }

  std::size_t runs() const noexcept { return static_cast<std::size_t>(runs_); }
  std::size_t run_size() const noexcept { return static_cast<std::size_t>(extents_[rank_ - 1]); }
  /// Of array n along a run.
  std::int64_t run_stride(std::size_t n) const noexcept { return strides_[n][rank_ - 1]; }

  /// body(offsets) for runs [first, last): where each array's run begins.
  template <typename Body>
  void for_runs(std::size_t first, std::size_t last, Body&& body) const noexcept {
    for (std::size_t run = first; run < last; ++run) {
      std::array<std::int64_t, N> offsets{};
      auto rest = static_cast<std::int64_t>(run);
      for (std::size_t axis = rank_ - 1; axis-- > 0;) {
        const std::int64_t index = rest % extents_[axis];
        rest /= extents_[axis];
        for (std::size_t n = 0; n < N; ++n) offsets[n] += index * strides_[n][axis];
      }
      body(offsets);
    }
  }

 private:
  bool continues(std::int64_t extent, std::size_t axis,
                 const std::array<Strides, N>& strides) const {
    for (std::size_t n = 0; n < N; ++n) {
      if (strides_[n][rank_ - 1] != strides[n][axis] * extent) return false;
    }
    return true;
  }

  std::size_t rank_ = 0;
  std::int64_t runs_ = 1;
  std::array<std::int64_t, Shape::kMaxRank> extents_{};
  std::array<Strides, N> strides_{};
};

}  // namespace metalaudio::nn
