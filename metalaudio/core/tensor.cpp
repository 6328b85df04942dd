#include <metalaudio/core/cpu/aligned_memory.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/tensor.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace metalaudio {

namespace {

std::size_t checked_bytes(const Shape& shape) {
  const auto size = static_cast<std::size_t>(shape.size());
  if (size > std::numeric_limits<std::size_t>::max() / sizeof(float)) {
    fail(ErrorCode::out_of_memory, "[Tensor] {} values for {}", size, shape.to_string());
  }
  return size * sizeof(float);
}

void check_size(const Shape& shape, std::size_t values) {
  if (values != static_cast<std::size_t>(shape.size())) {
    fail(ErrorCode::invalid_argument, "[Tensor] {} values copied with shape {}: expected {}",
         values, shape.to_string(), shape.size());
  }
}

void check_finite(std::span<const float> values) {
  const auto wrong =
      std::find_if_not(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
  if (wrong != values.end()) {
    fail(ErrorCode::invalid_data, "[Tensor] value {} is {}", wrong - values.begin(), *wrong);
  }
}

}  // namespace

Tensor::Tensor(const Shape& shape)
    : shape_(shape), data_(static_cast<float*>(allocate_aligned(checked_bytes(shape)))) {
  std::fill_n(data(), size(), 0.0F);
}

Tensor::Tensor(const Shape& shape, std::shared_ptr<AudioDevice> device)
    : shape_(shape),
      data_(static_cast<float*>(device->allocate(checked_bytes(shape))), Free{device}) {
  device->clear(data(), bytes());
}

Tensor::Tensor(const Tensor& other)
    : Tensor(other.device() ? Tensor(other.shape_, other.device()) : Tensor(other.shape_)) {
  copy_from(other);
}

Tensor& Tensor::operator=(const Tensor& other) {
  if (this != &other) *this = Tensor(other);
  return *this;
}

Tensor::Tensor(Tensor&& other) noexcept
    : shape_(std::exchange(other.shape_, Shape{0})), data_(std::move(other.data_)) {}

Tensor& Tensor::operator=(Tensor&& other) noexcept {
  shape_ = std::exchange(other.shape_, Shape{0});
  data_ = std::move(other.data_);
  return *this;
}

void Tensor::copy_from(std::span<const float> values) {
  check_size(shape_, values.size());
  check_finite(values);
  if (device()) {
    device()->copy(data(), values.data(), bytes());
  } else {
    std::copy(values.begin(), values.end(), data());
  }
}

void Tensor::copy_to(std::span<float> values) const {
  check_size(shape_, values.size());
  if (device()) {
    device()->copy(values.data(), data(), bytes());
  } else {
    std::copy_n(data(), size(), values.data());
  }
  check_finite(values);
}

void Tensor::copy_from(const Tensor& other) {
  if (other.shape_ != shape_) {
    fail(ErrorCode::invalid_argument, "[Tensor] shape {} copied to {}", other.shape_.to_string(),
         shape_.to_string());
  }
  if (AudioDevice* const mover = device() ? device().get() : other.device().get()) {
    mover->copy(data(), other.data(), bytes());
  } else {
    std::copy_n(other.data(), size(), data());
  }
}

void Tensor::Free::operator()(float* data) const noexcept {
  if (device) {
    device->deallocate(data);
  } else {
    free_aligned(data);
  }
}

}  // namespace metalaudio
