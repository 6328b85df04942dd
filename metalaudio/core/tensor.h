#pragma once

#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/shape.h>

#include <cassert>
#include <cstddef>
#include <memory>
#include <span>

namespace metalaudio {

/// A dense row-major float32 array that it owns, 64-byte aligned; zero when made. It lies in host
/// memory, or on the device that it is given.
/// Errors:   the constructors throw Error{out_of_memory}. copy_from and copy_to throw
///           Error{invalid_argument} on a size or shape that differs, and Error{invalid_data},
///           with its index, on a value that is not finite.
/// Threads:  concurrent reads are safe, writes are not.
class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(const Shape& shape);
  Tensor(const Shape& shape, std::shared_ptr<AudioDevice> device);
  Tensor(const Tensor& other);
  Tensor& operator=(const Tensor& other);
  Tensor(Tensor&& other) noexcept;
  Tensor& operator=(Tensor&& other) noexcept;
  ~Tensor() = default;

  const Shape& shape() const noexcept { return shape_; }
  std::size_t size() const noexcept { return static_cast<std::size_t>(shape_.size()); }
  /// The device that holds it; null for a tensor made in host memory.
  const std::shared_ptr<AudioDevice>& device() const noexcept { return data_.get_deleter().device; }
  /// Whether the CPU can read and write data().
  bool in_host_memory() const noexcept {
    return device() == nullptr || device()->properties().host_memory;
  }

  float* data() noexcept { return data_.get(); }
  const float* data() const noexcept { return data_.get(); }
  /// Only for a tensor in host memory.
  std::span<float> values() noexcept {
    assert(in_host_memory());
    return {data(), size()};
  }
  std::span<const float> values() const noexcept {
    assert(in_host_memory());
    return {data(), size()};
  }

  void copy_from(std::span<const float> values);
  void copy_to(std::span<float> values) const;
  /// From a tensor of the same shape, wherever either lies; its values are not checked.
  void copy_from(const Tensor& other);

 private:
  struct Free {
    std::shared_ptr<AudioDevice> device;
    void operator()(float* data) const noexcept;
  };

  std::size_t bytes() const noexcept { return size() * sizeof(float); }

  Shape shape_{0};
  std::unique_ptr<float[], Free> data_;
};

}  // namespace metalaudio
