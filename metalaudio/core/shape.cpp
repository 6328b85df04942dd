#include <metalaudio/core/error.h>
#include <metalaudio/core/shape.h>

#include <fmt/ranges.h>

#include <algorithm>

namespace metalaudio {

Shape::Shape(std::initializer_list<std::int64_t> extents)
    : Shape(std::span<const std::int64_t>(extents.begin(), extents.size())) {}

Shape::Shape(std::span<const std::int64_t> extents) : rank_(extents.size()) {
  if (extents.size() > kMaxRank) {
    fail(ErrorCode::invalid_argument, "[Shape] rank {}: at most {}", extents.size(), kMaxRank);
  }
  std::int64_t product = 1;
  for (const std::int64_t extent : extents) {
    if (extent < 0 ||
        __builtin_mul_overflow(product, std::max<std::int64_t>(extent, 1), &product)) {
      fail(ErrorCode::invalid_argument, "[Shape] [{}]: an extent is negative or the size too large",
           fmt::join(extents, ", "));
    }
  }
  std::copy(extents.begin(), extents.end(), extents_.begin());
}

std::int64_t Shape::size() const noexcept {
  std::int64_t product = 1;
  for (std::size_t axis = 0; axis < rank_; ++axis) product *= extents_[axis];
  return product;
}

std::string Shape::to_string() const { return fmt::format("[{}]", fmt::join(extents(), ", ")); }

}  // namespace metalaudio
