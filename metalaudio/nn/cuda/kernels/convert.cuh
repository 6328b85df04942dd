#pragma once

#include <metalaudio/nn/cuda/kernels/common.cuh>

#include <limits>
#include <type_traits>
#include <utility>

namespace metalaudio::nn::cuda {

/// Calls f with a value of the device's own type for any type of a tensor.
template <typename F>
decltype(auto) visit_any(DataType type, F&& f) {
  return visit_type(type, [&]<typename T>(std::type_identity<T>) {
    if constexpr (std::is_same_v<T, Float16>) {
      return f(Half{});
    } else if constexpr (std::is_same_v<T, BFloat16>) {
      return f(Bfloat{});
    } else {
      return f(T{});
    }
  });
}

/// Calls f for integers alone.
template <typename F>
void visit_integer(DataType type, F&& f) {
  visit_type(type, [&]<typename T>(std::type_identity<T>) {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) f(T{});
  });
}

template <typename T>
constexpr bool kIsHalf = std::is_same_v<T, Half> || std::is_same_v<T, Bfloat>;

/// torch.Tensor.to, as on the CPU: floating values are cut towards zero and held in the integer's
/// range; NaN gives zero.
template <typename To, typename From>
__device__ To converted(From from) {
  if constexpr (std::is_same_v<To, From>) {
    return from;
  } else if constexpr (kIsHalf<From>) {
    return converted<To>(to_float(from));
  } else if constexpr (kIsHalf<To>) {
    return from_float<To>(static_cast<float>(from));
  } else if constexpr (std::is_same_v<To, bool>) {
    return from != 0;
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    using Limits = std::numeric_limits<To>;
    if (from != from) return To{0};
    const auto x = static_cast<double>(from);
    if (x <= static_cast<double>(Limits::min())) return Limits::min();
    if (x >= static_cast<double>(Limits::max())) return Limits::max();
    return static_cast<To>(from);
  } else {
    return static_cast<To>(from);
  }
}

/// visit_any() on the device.
template <typename F>
__device__ __forceinline__ void with_type(DataType type, F&& f) {
  switch (type) {
    case DataType::f16:
      return f(Half{});
    case DataType::bf16:
      return f(Bfloat{});
    case DataType::f32:
      return f(float{});
    case DataType::f64:
      return f(double{});
    case DataType::i8:
      return f(std::int8_t{});
    case DataType::i16:
      return f(std::int16_t{});
    case DataType::i32:
      return f(std::int32_t{});
    case DataType::i64:
      return f(std::int64_t{});
    case DataType::u8:
      return f(std::uint8_t{});
    case DataType::u16:
      return f(std::uint16_t{});
    case DataType::u32:
      return f(std::uint32_t{});
    case DataType::u64:
      return f(std::uint64_t{});
    case DataType::boolean:
      return f(bool{});
  }
}

/// Element i of an array of any type, as a number of another.
template <typename To>
__device__ __forceinline__ To number_at(DataType type, const void* data, std::int64_t i) {
  To number{};
  with_type(type, [&]<typename T>(T) { number = converted<To>(static_cast<const T*>(data)[i]); });
  return number;
}

template <typename From>
__device__ __forceinline__ void put_number(DataType type, void* data, std::int64_t i, From number) {
  with_type(type, [&]<typename T>(T) { static_cast<T*>(data)[i] = converted<T>(number); });
}

}  // namespace metalaudio::nn::cuda
