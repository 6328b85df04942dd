#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace metalaudio {

/// The extents of a dense row-major array, outermost first; rank 0 is a scalar.
/// Errors:   a constructor throws Error{invalid_argument} on a negative extent, more than kMaxRank
///           extents, or a product that overflows std::int64_t.
/// Threads:  a value.
class Shape {
 public:
  static constexpr std::size_t kMaxRank = 8;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents);
  explicit Shape(std::span<const std::int64_t> extents);

  std::size_t rank() const noexcept { return rank_; }
  /// The number of elements: 1 for a scalar.
  std::int64_t size() const noexcept;
  std::int64_t operator[](std::size_t axis) const noexcept { return extents_[axis]; }
  /// The last extent.
  std::int64_t back() const noexcept { return extents_[rank_ - 1]; }
  std::span<const std::int64_t> extents() const noexcept { return {extents_.data(), rank_}; }

  /// "[2, 343980]".
  std::string to_string() const;

  friend bool operator==(const Shape& a, const Shape& b) noexcept = default;

 private:
  std::array<std::int64_t, kMaxRank> extents_{};
  std::size_t rank_ = 0;
};

}  // namespace metalaudio
