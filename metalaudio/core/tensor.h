#pragma once

#include <metalaudio/core/shape.h>

#include <cstddef>
#include <memory>
#include <span>

namespace metalaudio {

/// A dense row-major float32 array in host memory that it owns, 64-byte aligned; zero when made.
/// Errors:   the constructor throws Error{out_of_memory}.
/// Threads:  concurrent reads are safe, writes are not.
class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(const Shape& shape);
  Tensor(const Tensor& other);
  Tensor& operator=(const Tensor& other);
  Tensor(Tensor&&) noexcept = default;
  Tensor& operator=(Tensor&&) noexcept = default;

  const Shape& shape() const noexcept { return shape_; }
  std::size_t size() const noexcept { return static_cast<std::size_t>(shape_.size()); }
  float* data() noexcept { return data_.get(); }
  const float* data() const noexcept { return data_.get(); }
  std::span<float> values() noexcept { return {data(), size()}; }
  std::span<const float> values() const noexcept { return {data(), size()}; }

 private:
  struct Free {
    void operator()(float* data) const noexcept;
  };
  Shape shape_{0};
  std::unique_ptr<float[], Free> data_;
};

}  // namespace metalaudio
