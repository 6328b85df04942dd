#pragma once

#include <cstdint>

namespace metalaudio::cuda {

/// Calls launch.operator()<size>() with a transform's size, a power of two from kSmallest to 8192.
template <int kSmallest, typename Launch>
auto with_power_of_two(std::int64_t size, const Launch& launch) {
  if constexpr (kSmallest < 8192) {
    if (size > kSmallest) return with_power_of_two<2 * kSmallest>(size, launch);
  }
  return launch.template operator()<kSmallest>();
}

}  // namespace metalaudio::cuda
