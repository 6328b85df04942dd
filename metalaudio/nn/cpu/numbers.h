#pragma once

#include <metalaudio/core/half.h>

#include <cstddef>

namespace metalaudio::nn::cpu {

/// A place among numbers that are float32 or, where `halves`, bfloat16.
struct Numbers {
  std::byte* at = nullptr;
  bool halves = false;

  bool present() const noexcept { return at != nullptr; }
  /// Of none, none.
  Numbers operator+(std::ptrdiff_t numbers) const noexcept {
    if (at == nullptr) return *this;
    return {at + numbers * (halves ? 2 : 4), halves};
  }
  /// The one here.
  float value() const noexcept {
    return halves ? static_cast<float>(*as<const BFloat16>()) : *as<const float>();
  }
  void set(float value) const noexcept {
    if (halves) {
      *as<BFloat16>() = BFloat16(value);
    } else {
      *as<float>() = value;
    }
  }
  template <typename T>
  T* as() const noexcept {
    return reinterpret_cast<T*>(at);
  }
};

inline Numbers numbers(const float* at) noexcept {
  return {reinterpret_cast<std::byte*>(const_cast<float*>(at)), false};
}
inline Numbers numbers(const BFloat16* at) noexcept {
  return {reinterpret_cast<std::byte*>(const_cast<BFloat16*>(at)), true};
}

}  // namespace metalaudio::nn::cpu
