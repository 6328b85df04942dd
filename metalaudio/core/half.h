#pragma once

#include <bit>
#include <cstdint>

namespace metalaudio {

/// IEEE binary16 as it lies in memory; arithmetic is done in float. A float is rounded to the
/// nearest, ties to even; past 65504 it becomes infinite, and a NaN stays a NaN, made quiet.
/// Threads:  a value.
/// Realtime: all of it.
struct Float16 {
  std::uint16_t bits;

  Float16() = default;
  explicit constexpr Float16(float value) noexcept : bits(round(value)) {}

  explicit constexpr operator float() const noexcept {
    const std::uint32_t sign = (bits & 0x8000U) << 16U;
    const std::uint32_t exponent = bits & 0x7C00U;
    const std::uint32_t fraction = bits & 0x03FFU;
    if (exponent == 0) {  // 2^-24 and its multiples are normal floats
      const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
      return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
    }
    if (exponent == 0x7C00U) {
      const std::uint32_t quiet = fraction == 0 ? 0 : 0x0040'0000U;
      return std::bit_cast<float>(sign | 0x7F80'0000U | quiet | fraction << 13U);
    }
    return std::bit_cast<float>(sign | (((exponent | fraction) + (112U << 10U)) << 13U));
  }

 private:
  static constexpr std::uint16_t round(float value) noexcept {
    const auto all = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = all >> 16U & 0x8000U;
    const std::uint32_t magnitude = all & 0x7FFF'FFFFU;
    return static_cast<std::uint16_t>(sign | round_magnitude(magnitude));
  }

  /// Of the bits of a float without its sign.
  static constexpr std::uint32_t round_magnitude(std::uint32_t x) noexcept {
    if (x > 0x7F80'0000U) return 0x7E00U | (x >> 13U & 0x03FFU);  // NaN
    if (x >= 0x477F'F000U) return 0x7C00U;                        // from 65520 on: infinity
    if (x >= 0x3880'0000U) return ((x + 0x0FFFU + (x >> 13U & 1U)) >> 13U) - (112U << 10U);
    const std::uint32_t exponent = x >> 23U;
    if (exponent < 102U) return 0;  // below 2^-25, half of the smallest
    const std::uint32_t significand = (x & 0x007F'FFFFU) | 0x0080'0000U;
    const std::uint32_t shift = 126U - exponent;
    return (significand + (1U << (shift - 1U)) - 1U + (significand >> shift & 1U)) >> shift;
  }
};

/// bfloat16, the upper half of a float, as it lies in memory; arithmetic is done in float. A float
/// is rounded to the nearest, ties to even; a NaN stays a NaN, made quiet.
/// Threads:  a value.
/// Realtime: all of it.
struct BFloat16 {
  std::uint16_t bits;

  BFloat16() = default;
  explicit constexpr BFloat16(float value) noexcept : bits(round(value)) {}

  explicit constexpr operator float() const noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
  }

 private:
  static constexpr std::uint16_t round(float value) noexcept {
    const auto x = std::bit_cast<std::uint32_t>(value);
    // Rounding would carry a NaN whose low bits are set into infinity or zero.
    if ((x & 0x7FFF'FFFFU) > 0x7F80'0000U) return static_cast<std::uint16_t>(x >> 16U | 0x0040U);
    return static_cast<std::uint16_t>((x + 0x7FFFU + (x >> 16U & 1U)) >> 16U);
  }
};

}  // namespace metalaudio
