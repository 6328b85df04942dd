#pragma once

#include <metalaudio/nn/cuda/kernels/convert.cuh>

#include <limits>

namespace metalaudio::nn::cuda {

/// What numbers of a type are gathered in: float64, or 64 bits, whose sums and products are those of
/// fewer bits when they are cut.
template <typename T>
using Wide =
    std::conditional_t<kIsHalf<T> || std::is_floating_point_v<T>, double,
                       std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>;

template <typename T>
__device__ Wide<T> widen(T x) {
  return converted<Wide<T>>(x);
}

/// The least and the greatest value, -inf and inf of floating types.
template <typename T>
__device__ Wide<T> lowest() {
  if constexpr (std::is_same_v<Wide<T>, double>) {
    return -INFINITY;
  } else {
    return static_cast<Wide<T>>(std::numeric_limits<T>::lowest());
  }
}
template <typename T>
__device__ Wide<T> highest() {
  if constexpr (std::is_same_v<Wide<T>, double>) {
    return INFINITY;
  } else {
    return static_cast<Wide<T>>(std::numeric_limits<T>::max());
  }
}

/// Sums and products that wrap without signed overflow.
template <typename W>
__device__ W plus(W a, W b) {
  if constexpr (std::is_same_v<W, double>) {
    return a + b;
  } else {
    return static_cast<W>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  }
}
template <typename W>
__device__ W times(W a, W b) {
  if constexpr (std::is_same_v<W, double>) {
    return a * b;
  } else {
    return static_cast<W>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
  }
}

}  // namespace metalaudio::nn::cuda
