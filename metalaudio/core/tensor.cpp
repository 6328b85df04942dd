#include <metalaudio/core/error.h>
#include <metalaudio/core/tensor.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace metalaudio {

namespace {

std::size_t checked_bytes(const Shape& shape, DataType type) {
  const auto size = static_cast<std::size_t>(shape.size());
  if (size > std::numeric_limits<std::size_t>::max() / size_of(type)) {
    fail(ErrorCode::out_of_memory, "[Tensor] not enough memory for {} of shape {}", to_string(type),
         shape.to_string());
  }
  return size * size_of(type);
}

void check_floats(const Tensor& tensor, std::size_t values) {
  if (tensor.type() != DataType::f32) {
    fail(ErrorCode::invalid_argument, "[Tensor] f32 values copied with type {}",
         to_string(tensor.type()));
  }
  if (values != tensor.size()) {
    fail(ErrorCode::invalid_argument, "[Tensor] {} values copied with shape {}: expected {}",
         values, tensor.shape().to_string(), tensor.size());
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

Tensor::Tensor(const Shape& shape, DataType type) : Tensor(shape, type, nullptr) {}

Tensor::Tensor(const Shape& shape, DataType type, Buffer::Content content)
    : shape_(shape), type_(type), buffer_(checked_bytes(shape, type), content) {}

Tensor::Tensor(const Shape& shape, DataType type, std::shared_ptr<AudioDevice> device)
    : shape_(shape), type_(type), buffer_(checked_bytes(shape, type), std::move(device)) {}

Tensor::Tensor(const Tensor& other) : Tensor(other.shape_, other.type_, other.device()) {
  copy_from(other);
}

Tensor& Tensor::operator=(const Tensor& other) {
  if (this != &other) *this = Tensor(other);
  return *this;
}

Tensor::Tensor(Tensor&& other) noexcept
    : shape_(std::exchange(other.shape_, Shape{0})),
      type_(other.type_),
      buffer_(std::move(other.buffer_)) {}

Tensor& Tensor::operator=(Tensor&& other) noexcept {
  shape_ = std::exchange(other.shape_, Shape{0});
  type_ = other.type_;
  buffer_ = std::move(other.buffer_);
  return *this;
}

void Tensor::copy_from(std::span<const float> values, Allow allow) {
  check_floats(*this, values.size());
  if (allow == Allow::finite) check_finite(values);
  copy({values, shape_}, view());
}

void Tensor::copy_to(std::span<float> values, Allow allow) const {
  check_floats(*this, values.size());
  copy(view(), {values, shape_});
  if (allow == Allow::finite) check_finite(values);
}

}  // namespace metalaudio
