#pragma once

#include <metalaudio/core/buffer.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <type_traits>

namespace metalaudio {

/// A fixed-size array in host memory on a 64-byte line, zero when made: what SIMD kernels work in.
/// Errors:   the constructors throw Error{out_of_memory}.
/// Threads:  a value.
template <typename T>
class Array {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 64);

 public:
  using value_type = T;

  Array() = default;
  explicit Array(std::size_t size) : buffer_(bytes_of(size)) {
    if constexpr (!std::is_trivially_default_constructible_v<T>) {
      std::uninitialized_value_construct_n(data(), size);
    }
  }
  explicit Array(std::span<const T> values)
      : buffer_(values.size_bytes(), Buffer::Content::anything) {
    std::copy(values.begin(), values.end(), data());
  }
  /// Takes over what lies in host memory as numbers of this type.
  explicit Array(Buffer&& buffer) noexcept : buffer_(std::move(buffer)) {}
  Array(const Array& other) : Array(std::span<const T>(other)) {}
  Array& operator=(const Array& other) {
    if (this != &other) *this = Array(other);
    return *this;
  }
  Array(Array&&) noexcept = default;
  Array& operator=(Array&&) noexcept = default;
  ~Array() = default;

  std::size_t size() const noexcept { return buffer_.bytes() / sizeof(T); }
  bool empty() const noexcept { return size() == 0; }
  T* data() noexcept { return static_cast<T*>(buffer_.handle()); }
  const T* data() const noexcept { return static_cast<const T*>(buffer_.handle()); }
  T& operator[](std::size_t i) noexcept { return data()[i]; }
  const T& operator[](std::size_t i) const noexcept { return data()[i]; }
  T* begin() noexcept { return data(); }
  T* end() noexcept { return data() + size(); }
  const T* begin() const noexcept { return data(); }
  const T* end() const noexcept { return data() + size(); }
  operator std::span<T>() noexcept { return {data(), size()}; }
  operator std::span<const T>() const noexcept { return {data(), size()}; }

 private:
  static std::size_t bytes_of(std::size_t size) {
    if (size > static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / sizeof(T)) {
      fail(ErrorCode::out_of_memory, "[Array] {} elements of {} bytes", size, sizeof(T));
    }
    return size * sizeof(T);
  }

  Buffer buffer_;
};

}  // namespace metalaudio
