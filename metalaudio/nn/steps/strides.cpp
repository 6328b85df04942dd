#include <metalaudio/nn/steps/strides.h>

namespace metalaudio::nn {

Strides dense_strides(const Shape& shape) noexcept {
  Strides strides{};
  std::int64_t stride = 1;
  for (std::size_t axis = shape.rank(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

Strides broadcast_strides(const Shape& shape, const Shape& full) noexcept {
  const Strides dense = dense_strides(shape);
  Strides strides{};
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    const std::size_t axis = shape.rank() - 1 - i;
    strides[full.rank() - 1 - i] = shape[axis] == 1 ? 0 : dense[axis];
  }
  return strides;
}

}  // namespace metalaudio::nn
