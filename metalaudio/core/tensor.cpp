#include <metalaudio/core/error.h>
#include <metalaudio/core/tensor.h>

#include <algorithm>
#include <cstdlib>

namespace metalaudio {

namespace {
constexpr std::size_t kAlignment = 64;
}

Tensor::Tensor(const Shape& shape) : shape_(shape) {
  const std::size_t bytes = (size() * sizeof(float) + kAlignment - 1) / kAlignment * kAlignment;
  data_.reset(static_cast<float*>(std::aligned_alloc(kAlignment, std::max(bytes, kAlignment))));
  if (!data_) fail(ErrorCode::out_of_memory, "[Tensor] {} bytes for {}", bytes, shape.to_string());
  std::fill_n(data(), size(), 0.0F);
}

Tensor::Tensor(const Tensor& other) : Tensor(other.shape_) {
  std::copy_n(other.data(), size(), data());
}

Tensor& Tensor::operator=(const Tensor& other) {
  if (this != &other) *this = Tensor(other);
  return *this;
}

void Tensor::Free::operator()(float* data) const noexcept { std::free(data); }

}  // namespace metalaudio
