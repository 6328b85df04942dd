#pragma once

#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/data_type.h>
#include <metalaudio/core/shape.h>

#include <cassert>
#include <cstddef>
#include <span>
#include <type_traits>

namespace metalaudio {

/// A dense row-major array that somebody else owns, to read, wherever it lies: a handle and an
/// offset in bytes on a device, or in host memory, where the handle is an address and the device
/// null.
/// Threads:  a value; it dangles when its owner goes.
/// Realtime: all of it.
class ConstTensorView {
 public:
  ConstTensorView() noexcept : shape_{0} {}
  ConstTensorView(DataType type, const Shape& shape, const void* handle, std::size_t offset = 0,
                  AudioDevice* device = nullptr) noexcept
      : type_(type), shape_(shape), handle_(handle), offset_(offset), device_(device) {}
  /// In host memory; as many values as the shape has elements.
  ConstTensorView(std::span<const float> values, const Shape& shape) noexcept
      : ConstTensorView(DataType::f32, shape, values.data()) {
    assert(values.size() == size());
  }
  template <typename T, std::size_t N>
  ConstTensorView(std::span<T, N> values, const Shape& shape) noexcept
      : ConstTensorView(kDataTypeOf<std::remove_const_t<T>>, shape, values.data()) {
    assert(values.size() == size());
  }

  DataType type() const noexcept { return type_; }
  const Shape& shape() const noexcept { return shape_; }
  std::size_t size() const noexcept { return static_cast<std::size_t>(shape_.size()); }
  std::size_t bytes() const noexcept { return size() * size_of(type_); }

  const void* handle() const noexcept { return handle_; }
  /// In bytes, from the handle.
  std::size_t offset() const noexcept { return offset_; }
  AudioDevice* device() const noexcept { return device_; }
  bool in_host_memory() const noexcept {
    return device_ == nullptr || device_->properties().host_memory;
  }

  /// Only in host memory, and only as the type that it has.
  template <typename T>
  const T* data_as() const noexcept {
    assert(in_host_memory() && type_ == kDataTypeOf<T>);
    return reinterpret_cast<const T*>(address());
  }
  template <typename T>
  std::span<const T> values_as() const noexcept {
    return {data_as<T>(), size()};
  }

  /// The first byte, whatever the type; only in host memory.
  const std::byte* address() const noexcept {
    assert(in_host_memory());
    return static_cast<const std::byte*>(handle_) + offset_;
  }

 private:
  DataType type_ = DataType::f32;
  Shape shape_;
  const void* handle_ = nullptr;
  std::size_t offset_ = 0;
  AudioDevice* device_ = nullptr;
};

/// The same, to read and write.
/// Threads:  as ConstTensorView.
/// Realtime: all of it.
class TensorView : public ConstTensorView {
 public:
  TensorView() = default;
  TensorView(DataType type, const Shape& shape, void* handle, std::size_t offset = 0,
             AudioDevice* device = nullptr) noexcept
      : ConstTensorView(type, shape, handle, offset, device) {}
  TensorView(std::span<float> values, const Shape& shape) noexcept
      : ConstTensorView(std::span<const float>(values), shape) {}
  template <typename T, std::size_t N, typename = std::enable_if_t<!std::is_const_v<T>>>
  TensorView(std::span<T, N> values, const Shape& shape) noexcept
      : ConstTensorView(values, shape) {}

  // It was made of memory that may be written, so the const of the base may go.
  void* handle() const noexcept { return const_cast<void*>(ConstTensorView::handle()); }
  std::byte* address() const noexcept { return const_cast<std::byte*>(ConstTensorView::address()); }
  template <typename T>
  T* data_as() const noexcept {
    return const_cast<T*>(ConstTensorView::data_as<T>());
  }
  template <typename T>
  std::span<T> values_as() const noexcept {
    return {data_as<T>(), size()};
  }
};

/// Copies the elements as they are, between any two places.
/// Errors:   throws Error{invalid_argument} where type or shape differ, and what the devices throw.
/// Realtime: between views in host memory of one type and shape.
void copy(const ConstTensorView& from, const TensorView& to);

}  // namespace metalaudio
