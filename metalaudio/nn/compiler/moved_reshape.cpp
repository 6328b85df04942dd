#include <metalaudio/nn/compiler/moved_reshape.h>

#include <algorithm>
#include <utility>

namespace metalaudio::nn {

namespace {

/// Neighbouring axes on both sides of a reshape that hold the same elements.
struct Group {
  std::vector<std::size_t> from;  ///< axes of the transposed value
  std::vector<std::size_t> to;    ///< axes of the result
};

std::int64_t product(const Shape& shape, std::size_t first, std::size_t last) {
  std::int64_t size = 1;
  for (std::size_t i = first; i < last; ++i) size *= shape[i];
  return size;
}

/// The smallest groups, from the first axis on. Axes of extent 1 join the group that is open.
std::vector<Group> groups_of(const Shape& from, const Shape& to) {
  std::vector<Group> groups;
  std::size_t a = 0;
  std::size_t b = 0;
  while (a < from.rank() || b < to.rank()) {
    std::size_t a_end = a < from.rank() ? a + 1 : a;
    std::size_t b_end = b < to.rank() ? b + 1 : b;
    while (product(from, a, a_end) != product(to, b, b_end)) {
      const bool short_of = product(from, a, a_end) < product(to, b, b_end);
      if (short_of ? a_end == from.rank() : b_end == to.rank()) {
        // What is left over is of extent 1.
        short_of ? ++b_end : ++a_end;
        if (b_end > to.rank() || a_end > from.rank()) return {};
        continue;
      }
      short_of ? ++a_end : ++b_end;
    }
    Group group;
    for (; a < a_end; ++a) group.from.push_back(a);
    for (; b < b_end; ++b) group.to.push_back(b);
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace

std::optional<MovedReshape> move_reshape(const Shape& source, const std::vector<std::size_t>& order,
                                         const Shape& to) {
  if (source.size() == 0) return std::nullopt;
  std::vector<std::int64_t> extents;
  for (const std::size_t axis : order) extents.push_back(source[axis]);
  const Shape from(extents);
  const std::vector<Group> groups = groups_of(from, to);
  if (groups.empty()) return std::nullopt;
  // Where each group lies in the source: by its axes that are not 1, which must be neighbours there
  // but for axes of extent 1, and in the same order.
  std::vector<std::pair<std::size_t, const Group*>> placed;
  std::vector<bool> solid(source.rank());
  for (std::size_t axis = 0; axis < source.rank(); ++axis) solid[axis] = source[axis] != 1;
  std::size_t last_place = 0;
  for (const Group& group : groups) {
    std::vector<std::size_t> axes;
    for (const std::size_t axis : group.from) {
      if (from[axis] != 1) axes.push_back(order[axis]);
    }
    for (std::size_t i = 1; i < axes.size(); ++i) {
      if (axes[i] <= axes[i - 1]) return std::nullopt;
      for (std::size_t between = axes[i - 1] + 1; between < axes[i]; ++between) {
        if (solid[between]) return std::nullopt;
      }
    }
    if (!axes.empty()) last_place = axes[0];
    placed.emplace_back(last_place, &group);  // a group of extent 1 stays with the one before it
  }
  std::stable_sort(placed.begin(), placed.end(),
                   [](const auto& x, const auto& y) { return x.first < y.first; });
  MovedReshape moved;
  std::vector<std::int64_t> shape;
  moved.order.resize(to.rank());
  for (const auto& [place, group] : placed) {
    for (const std::size_t axis : group->to) {
      moved.order[axis] = shape.size();
      shape.push_back(to[axis]);
    }
  }
  moved.shape = Shape(shape);
  return moved;
}

}  // namespace metalaudio::nn
