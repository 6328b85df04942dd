#pragma once

#include <metalaudio/core/buffer.h>
#include <metalaudio/core/data_type.h>
#include <metalaudio/core/shape.h>
#include <metalaudio/core/tensor_view.h>

#include <cstddef>
#include <memory>
#include <span>

namespace metalaudio {

/// Which values a copy lets pass: a NaN in audio or weights is an error, −inf in a mask is not.
enum class Allow { finite, any };

/// A dense row-major array that it owns, 64-byte aligned; zero when made. It lies in host memory,
/// or on the device that it is given.
/// Errors:   the constructors throw Error{out_of_memory}. copy_from and copy_to throw
///           Error{invalid_argument} on a size, shape or type that differs, and, unless any value
///           is allowed, Error{invalid_data}, with its index, on a float that is not finite.
/// Threads:  concurrent reads are safe, writes are not.
class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(const Shape& shape, DataType type = DataType::f32);
  /// In host memory, for whoever writes all of it.
  Tensor(const Shape& shape, DataType type, Buffer::Content content);
  /// In host memory where `device` is null.
  Tensor(const Shape& shape, DataType type, std::shared_ptr<AudioDevice> device);
  Tensor(const Tensor& other);
  Tensor& operator=(const Tensor& other);
  Tensor(Tensor&& other) noexcept;
  Tensor& operator=(Tensor&& other) noexcept;
  ~Tensor() = default;

  DataType type() const noexcept { return type_; }
  const Shape& shape() const noexcept { return shape_; }
  std::size_t size() const noexcept { return static_cast<std::size_t>(shape_.size()); }
  std::size_t bytes() const noexcept { return buffer_.bytes(); }
  /// The device that holds it; null for a tensor made in host memory.
  const std::shared_ptr<AudioDevice>& device() const noexcept { return buffer_.device(); }
  /// Whether the CPU can read and write its elements.
  bool in_host_memory() const noexcept { return buffer_.in_host_memory(); }

  TensorView view() noexcept { return {type_, shape_, buffer_.handle(), 0, device().get()}; }
  ConstTensorView view() const noexcept {
    return {type_, shape_, buffer_.handle(), 0, device().get()};
  }

  /// Only for a tensor in host memory, and only as the type that it has.
  template <typename T>
  T* data_as() noexcept {
    check_access(kDataTypeOf<T>);
    return static_cast<T*>(buffer_.handle());
  }
  template <typename T>
  const T* data_as() const noexcept {
    check_access(kDataTypeOf<T>);
    return static_cast<const T*>(buffer_.handle());
  }
  template <typename T>
  std::span<T> values_as() noexcept {
    return {data_as<T>(), size()};
  }
  template <typename T>
  std::span<const T> values_as() const noexcept {
    return {data_as<T>(), size()};
  }
  /// Of float32, what most tensors are.
  float* data() noexcept { return data_as<float>(); }
  const float* data() const noexcept { return data_as<float>(); }
  std::span<float> values() noexcept { return values_as<float>(); }
  std::span<const float> values() const noexcept { return values_as<float>(); }

  /// Of a float32 tensor, wherever it lies.
  void copy_from(std::span<const float> values, Allow allow = Allow::finite);
  void copy_to(std::span<float> values, Allow allow = Allow::finite) const;
  /// Gives its memory away; it is empty afterwards.
  Buffer take_buffer() noexcept {
    shape_ = Shape{0};
    return std::move(buffer_);
  }
  /// From elements of the same type and shape, wherever either lies; they are not checked.
  void copy_from(const ConstTensorView& other) { copy(other, view()); }
  void copy_from(const Tensor& other) { copy(other.view(), view()); }

 private:
  void check_access([[maybe_unused]] DataType type) const noexcept {
    assert(in_host_memory() && type == type_);
  }

  Shape shape_{0};
  DataType type_ = DataType::f32;
  Buffer buffer_;
};

}  // namespace metalaudio
