#pragma once

#include <metalaudio/core/error.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <memory>
#include <span>
#include <type_traits>

namespace metalaudio::dsp {

/// A fixed-size array on a cache-line boundary, zero when made: what SIMD kernels work in.
/// Errors:   the constructor throws Error{out_of_memory}.
/// Threads:  a value; it moves, it does not copy.
template <typename T>
class AlignedArray {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  static constexpr std::size_t kAlignment = 64;

  AlignedArray() = default;
  explicit AlignedArray(std::size_t size) : size_(size) {
    constexpr std::size_t kLargest = std::numeric_limits<std::ptrdiff_t>::max() / sizeof(T) / 2;
    const std::size_t bytes = (size * sizeof(T) / kAlignment + 1) * kAlignment;
    if (size <= kLargest) data_.reset(static_cast<T*>(std::aligned_alloc(kAlignment, bytes)));
    if (!data_) fail(ErrorCode::out_of_memory, "[AlignedArray] {} elements", size);
    std::fill_n(data(), size, T{});
  }

  std::size_t size() const noexcept { return size_; }
  T* data() noexcept { return data_.get(); }
  const T* data() const noexcept { return data_.get(); }
  T& operator[](std::size_t i) noexcept { return data_.get()[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_.get()[i]; }
  T* begin() noexcept { return data(); }
  T* end() noexcept { return data() + size_; }
  const T* begin() const noexcept { return data(); }
  const T* end() const noexcept { return data() + size_; }
  operator std::span<T>() noexcept { return {data(), size_}; }
  operator std::span<const T>() const noexcept { return {data(), size_}; }

 private:
  struct Free {
    void operator()(T* data) const noexcept { std::free(data); }
  };
  std::unique_ptr<T[], Free> data_;
  std::size_t size_ = 0;
};

}  // namespace metalaudio::dsp
