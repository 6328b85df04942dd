#include <metalaudio/nn/layers/weight_order.h>

#include <cstring>
#include <vector>

namespace metalaudio::nn::layers {

namespace {

struct Kernel {
  explicit Kernel(const Shape& shape)
      : first(shape[0]),
        second(shape[1]),
        extents(shape.extents().begin() + 2, shape.extents().end()) {
    for (const std::int64_t extent : extents) taps *= extent;
  }

  Tensor make(std::int64_t out, std::int64_t in, DataType type) const {
    std::vector<std::int64_t> shape{out};
    shape.insert(shape.end(), extents.begin(), extents.end());
    shape.push_back(in);
    return Tensor(Shape(shape), type);
  }

  std::int64_t first;
  std::int64_t second;
  std::vector<std::int64_t> extents;
  std::int64_t taps = 1;
};

/// Copies one element, whatever its type.
void move(const Tensor& from, std::int64_t source, Tensor* to, std::int64_t target) {
  const auto size = static_cast<std::int64_t>(metalaudio::size_of(from.type()));
  std::memcpy(to->view().address() + target * size, from.view().address() + source * size,
              static_cast<std::size_t>(size));
}

}  // namespace

Tensor channels_last(const Tensor& weight) {
  const Kernel kernel(weight.shape());
  const std::int64_t in = kernel.second;
  Tensor to = kernel.make(kernel.first, in, weight.type());
  for (std::int64_t o = 0; o < kernel.first; ++o) {
    for (std::int64_t i = 0; i < in; ++i) {
      for (std::int64_t k = 0; k < kernel.taps; ++k) {
        move(weight, (o * in + i) * kernel.taps + k, &to, (o * kernel.taps + k) * in + i);
      }
    }
  }
  return to;
}

Tensor transposed_channels_last(const Tensor& weight, std::int64_t groups) {
  const Kernel kernel(weight.shape());
  const std::int64_t in = kernel.first / groups;
  const std::int64_t out = kernel.second;
  Tensor to = kernel.make(out * groups, in, weight.type());
  for (std::int64_t o = 0; o < out * groups; ++o) {
    for (std::int64_t i = 0; i < in; ++i) {
      const std::int64_t row = (o / out * in + i) * out + o % out;
      for (std::int64_t k = 0; k < kernel.taps; ++k) {
        move(weight, row * kernel.taps + k, &to, (o * kernel.taps + k) * in + i);
      }
    }
  }
  return to;
}

}  // namespace metalaudio::nn::layers
