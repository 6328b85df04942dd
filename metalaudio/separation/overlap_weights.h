#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace metalaudio::separation {

/// The cross-fade of overlapping segments: a triangle to a power, divided at each frame by the sum
/// over all segments that cover it, so that adding weighted segments needs no later division.
/// Shapes:   segment k covers frames [k·stride, k·stride + segment).
/// Errors:   the constructor throws Error{invalid_argument} unless 0 <= overlap < 1, power >= 1 and
///           the stride is at least one sample.
/// Threads:  a constant.
class OverlapWeights {
 public:
  OverlapWeights(std::size_t segment_samples, double overlap, double power);

  /// For audio that is one segment: all weights 1.
  explicit OverlapWeights(std::size_t segment_samples);

  std::size_t segment_samples() const noexcept { return triangle_.size(); }
  std::size_t stride_samples() const noexcept { return stride_; }

  /// The cross-fade before it is divided.
  std::span<const float> heights() const noexcept { return triangle_; }
  /// How many earlier segments the weights of segment number k count: all that may reach it.
  std::int64_t earlier(std::int64_t k) const noexcept;
  /// The weights of segment number k; valid until the next call.
  std::span<const float> of_segment(std::int64_t k);

 private:
  /// Segments further apart than this do not reach each other.
  std::int64_t reach() const noexcept;

  std::vector<float> triangle_;
  std::size_t stride_ = 0;
  std::vector<float> normalised_;
  std::int64_t earlier_ = -1;  // how many earlier segments normalised_ counts
};

}  // namespace metalaudio::separation
