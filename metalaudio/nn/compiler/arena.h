#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace metalaudio::nn {

/// A buffer that is needed from one moment of a program to another, both included.
struct Lifetime {
  std::size_t size = 0;  ///< in bytes
  int first = 0;
  int last = 0;
};

struct ArenaLayout {
  std::vector<std::size_t> offsets;  ///< one per lifetime, multiples of 64 bytes
  std::size_t size = 0;
};

/// Whether of two buffers, by index, the first may still be in use when the second is begun to be
/// used, although its life has ended by then.
using MayMeet = std::function<bool(std::size_t, std::size_t)>;

/// Places buffers in one block so that those alive at the same time do not overlap, nor those that
/// may meet: the largest first, each at the lowest place that is free during its life.
ArenaLayout lay_out_arena(const std::vector<Lifetime>& lifetimes, const MayMeet& may_meet = {});

}  // namespace metalaudio::nn
