#pragma once

#include <metalaudio/core/data_type.h>
#include <metalaudio/core/shape.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace metalaudio::nn {

template <typename T>
inline constexpr bool kIsFloating = !std::is_integral_v<T>;

/// What a floating type is computed in where one operation is rounded by itself.
template <typename T>
using FloatOf = std::conditional_t<std::is_same_v<T, double>, double, float>;

/// torch.Tensor.to: floating values are cut towards zero and held in the integer's range; NaN gives
/// zero.
template <typename To, typename From>
To converted(From from) noexcept {
  if constexpr (std::is_same_v<To, From>) {
    return from;
  } else if constexpr (kIsFloating<From>) {
    const auto x = static_cast<FloatOf<From>>(from);
    if constexpr (std::is_same_v<To, bool>) {
      return x != 0;
    } else if constexpr (std::is_integral_v<To>) {
      using Limits = std::numeric_limits<To>;
      if (std::isnan(x)) return To{0};
      if (static_cast<double>(x) <= static_cast<double>(Limits::min())) return Limits::min();
      if (static_cast<double>(x) >= static_cast<double>(Limits::max())) return Limits::max();
      return static_cast<To>(x);
    } else if constexpr (std::is_same_v<To, double>) {
      return static_cast<double>(x);
    } else {
      return static_cast<To>(static_cast<float>(x));
    }
  } else if constexpr (std::is_integral_v<To>) {
    return static_cast<To>(from);
  } else if constexpr (std::is_same_v<To, double>) {
    return static_cast<double>(from);
  } else {
    return static_cast<To>(static_cast<float>(from));
  }
}

/// What the numbers of a type are summed and compared in: double, or an integer itself.
template <typename T>
using Wide = std::conditional_t<std::is_integral_v<T>, T, double>;

template <typename T>
Wide<T> widen(T x) noexcept {
  return converted<Wide<T>>(x);
}

/// The least and the greatest value, −inf and inf of floating types.
template <typename T>
Wide<T> lowest() noexcept {
  if constexpr (kIsFloating<T>) return -std::numeric_limits<double>::infinity();
  return std::numeric_limits<Wide<T>>::lowest();
}
template <typename T>
Wide<T> highest() noexcept {
  if constexpr (kIsFloating<T>) return std::numeric_limits<double>::infinity();
  return std::numeric_limits<Wide<T>>::max();
}

template <typename T>
bool is_nan(T x) noexcept {
  if constexpr (kIsFloating<T>) return std::isnan(static_cast<FloatOf<T>>(x));
  return false;
}

/// Sums and products that wrap, of integers as small as they like.
template <typename T>
T wrapping_sum(T a, T b) noexcept {
  return static_cast<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
template <typename T>
T wrapping_product(T a, T b) noexcept {
  return static_cast<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}

/// Calls body with an unsigned type as wide as an element, since moving does not care what it
/// moves.
template <typename Body>
void with_word(std::size_t bytes, Body&& body) {
  switch (bytes) {
    case 1:
      return body(std::type_identity<std::uint8_t>{});
    case 2:
      return body(std::type_identity<std::uint16_t>{});
    case 4:
      return body(std::type_identity<std::uint32_t>{});
    default:
      return body(std::type_identity<std::uint64_t>{});
  }
}

/// A dense array around one of its axes: [outer][extent][inner].
struct Around {
  Around() = default;
  Around(const Shape& shape, std::size_t axis) {
    for (std::size_t i = 0; i < shape.rank(); ++i) {
      auto& part = i < axis ? outer : i == axis ? extent : inner;
      part *= static_cast<std::size_t>(shape[i]);
    }
  }

  std::size_t lines() const noexcept { return outer * inner; }
  /// Where a line along the axis begins; its elements are `inner` apart.
  std::size_t line(std::size_t index) const noexcept {
    return index / inner * extent * inner + index % inner;
  }

  std::size_t outer = 1;
  std::size_t extent = 1;
  std::size_t inner = 1;
};

/// How many pieces of `elements` elements one task takes.
constexpr std::size_t together(std::size_t elements) noexcept {
  return std::max<std::size_t>(1, 16384 / std::max<std::size_t>(1, elements));
}

}  // namespace metalaudio::nn
