#pragma once

#include <array>
#include <cstdint>

namespace metalaudio::nn::cuda {

constexpr int kMostAxes = 8;

/// Elements of N arrays that are visited together, in the order of a dense array: how far each of
/// them moves along every axis. A step of 0 repeats.
template <int N>
struct Walk {
  int axes = 1;
  std::int64_t size = 1;
  std::array<std::int64_t, kMostAxes> extents{1};
  std::array<std::array<std::int64_t, kMostAxes>, N> steps{};

  /// Whether all of them are dense.
  constexpr bool is_dense() const noexcept {
    for (const auto& step : steps) {
      if (axes != 1 || step[0] != 1) return false;
    }
    return true;
  }
};

}  // namespace metalaudio::nn::cuda
