#pragma once

#include <metalaudio/core/half.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace metalaudio {

/// The type of a tensor's elements.
enum class DataType : std::uint8_t {
  f16,
  bf16,
  f32,
  f64,
  i8,
  i16,
  i32,
  i64,
  u8,
  u16,
  u32,
  u64,
  boolean,  ///< one byte, 0 or 1
};

/// Calls f(std::type_identity<T>{}) with the C++ type of `type`, and returns what it returns.
template <typename F>
constexpr decltype(auto) visit_type(DataType type, F&& f) {
  switch (type) {
    case DataType::f16:
      return std::forward<F>(f)(std::type_identity<Float16>{});
    case DataType::bf16:
      return std::forward<F>(f)(std::type_identity<BFloat16>{});
    case DataType::f32:
      return std::forward<F>(f)(std::type_identity<float>{});
    case DataType::f64:
      return std::forward<F>(f)(std::type_identity<double>{});
    case DataType::i8:
      return std::forward<F>(f)(std::type_identity<std::int8_t>{});
    case DataType::i16:
      return std::forward<F>(f)(std::type_identity<std::int16_t>{});
    case DataType::i32:
      return std::forward<F>(f)(std::type_identity<std::int32_t>{});
    case DataType::i64:
      return std::forward<F>(f)(std::type_identity<std::int64_t>{});
    case DataType::u8:
      return std::forward<F>(f)(std::type_identity<std::uint8_t>{});
    case DataType::u16:
      return std::forward<F>(f)(std::type_identity<std::uint16_t>{});
    case DataType::u32:
      return std::forward<F>(f)(std::type_identity<std::uint32_t>{});
    case DataType::u64:
      return std::forward<F>(f)(std::type_identity<std::uint64_t>{});
    case DataType::boolean:
      return std::forward<F>(f)(std::type_identity<bool>{});
  }
  __builtin_unreachable();
}

/// The DataType of a C++ type; there is none for a type that no tensor holds.
template <typename T>
inline constexpr DataType kDataTypeOf = [] {
  static_assert(sizeof(T) == 0, "no tensor holds this type");
  return DataType::f32;
}();
template <>
inline constexpr DataType kDataTypeOf<Float16> = DataType::f16;
template <>
inline constexpr DataType kDataTypeOf<BFloat16> = DataType::bf16;
template <>
inline constexpr DataType kDataTypeOf<float> = DataType::f32;
template <>
inline constexpr DataType kDataTypeOf<double> = DataType::f64;
template <>
inline constexpr DataType kDataTypeOf<std::int8_t> = DataType::i8;
template <>
inline constexpr DataType kDataTypeOf<std::int16_t> = DataType::i16;
template <>
inline constexpr DataType kDataTypeOf<std::int32_t> = DataType::i32;
template <>
inline constexpr DataType kDataTypeOf<std::int64_t> = DataType::i64;
template <>
inline constexpr DataType kDataTypeOf<std::uint8_t> = DataType::u8;
template <>
inline constexpr DataType kDataTypeOf<std::uint16_t> = DataType::u16;
template <>
inline constexpr DataType kDataTypeOf<std::uint32_t> = DataType::u32;
template <>
inline constexpr DataType kDataTypeOf<std::uint64_t> = DataType::u64;
template <>
inline constexpr DataType kDataTypeOf<bool> = DataType::boolean;

/// Bytes of one element.
constexpr std::size_t size_of(DataType type) noexcept {
  return visit_type(type, []<typename T>(std::type_identity<T>) { return sizeof(T); });
}

constexpr bool is_floating(DataType type) noexcept { return type <= DataType::f64; }
/// Not for a bool.
constexpr bool is_integer(DataType type) noexcept {
  return type >= DataType::i8 && type <= DataType::u64;
}
/// Whether it has negative values.
constexpr bool is_signed(DataType type) noexcept { return type <= DataType::i64; }

/// "f32", "bf16", "bool".
std::string_view to_string(DataType type) noexcept;

}  // namespace metalaudio
