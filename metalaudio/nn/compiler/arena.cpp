#include <metalaudio/nn/compiler/arena.h>

#include <algorithm>
#include <numeric>

namespace metalaudio::nn {

ArenaLayout lay_out_arena(const std::vector<Lifetime>& lifetimes, const MayMeet& may_meet) {
  const auto apart = [&](std::size_t earlier, std::size_t later) {
    return lifetimes[earlier].last < lifetimes[later].first &&
           !(may_meet && may_meet(earlier, later));
  };
  constexpr std::size_t kAlignment = 64;
  ArenaLayout layout;
  layout.offsets.resize(lifetimes.size());
  std::vector<std::size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return lifetimes[a].size > lifetimes[b].size;
  });
  std::vector<std::size_t> placed;  // by offset
  for (const std::size_t index : order) {
    const Lifetime& life = lifetimes[index];
    const std::size_t size = (life.size + kAlignment - 1) / kAlignment * kAlignment;
    std::size_t offset = 0;
    for (const std::size_t other : placed) {
      const Lifetime& taken = lifetimes[other];
      if (apart(other, index) || apart(index, other)) continue;
      if (offset + size <= layout.offsets[other]) break;
      const std::size_t taken_size = (taken.size + kAlignment - 1) / kAlignment * kAlignment;
      offset = std::max(offset, layout.offsets[other] + taken_size);
    }
    layout.offsets[index] = offset;
    layout.size = std::max(layout.size, offset + size);
    const auto place = std::upper_bound(
        placed.begin(), placed.end(), offset,
        [&](std::size_t value, std::size_t other) { return value < layout.offsets[other]; });
    placed.insert(place, index);
  }
  return layout;
}

}  // namespace metalaudio::nn
