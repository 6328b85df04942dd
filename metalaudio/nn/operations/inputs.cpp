#include <metalaudio/nn/operations/inputs.h>

#include <algorithm>
#include <vector>

namespace metalaudio::nn {

std::size_t axis_of(std::int64_t axis, std::size_t rank) {
  const auto size = static_cast<std::int64_t>(rank);
  if (axis < -size || axis >= size) reject("axis {} of a value with {} axes", axis, rank);
  return static_cast<std::size_t>(axis < 0 ? axis + size : axis);
}

Shape broadcast(const Shape& a, const Shape& b) {
  std::vector<std::int64_t> extents(std::max(a.rank(), b.rank()), 1);
  for (std::size_t i = 0; i < extents.size(); ++i) {
    const std::int64_t x = i < a.rank() ? a[a.rank() - 1 - i] : 1;
    const std::int64_t y = i < b.rank() ? b[b.rank() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) reject("{} and {}", a.to_string(), b.to_string());
    extents[extents.size() - 1 - i] = x == 1 ? y : x;
  }
  return Shape(extents);
}

}  // namespace metalaudio::nn
