#include <metalaudio/core/error.h>
#include <metalaudio/nn/weights.h>

#include <cmath>
#include <vector>

namespace metalaudio::nn {

namespace {

/// Neither denormals nor overflow, however many layers follow each other.
Tensor random_tensor(const Shape& shape, std::mt19937& random) {
  Tensor tensor(shape);
  const bool vector = shape.rank() < 2;
  const auto inputs = vector || shape[0] == 0
                          ? 1.0F
                          : static_cast<float>(tensor.size()) / static_cast<float>(shape[0]);
  std::uniform_real_distribution<float> uniform(vector ? 0.1F : -1.7F / std::sqrt(inputs),
                                                vector ? 0.5F : 1.7F / std::sqrt(inputs));
  for (float& value : tensor.values()) value = uniform(random);
  return tensor;
}

}  // namespace

Weights Weights::operator()(const std::string& name) const {
  Weights inner = *this;
  inner.prefix_ += name + ".";
  return inner;
}

Weights Weights::operator()(const std::string& name, int index) const {
  return (*this)(fmt::format("{}.{}", name, index));
}

bool Weights::has(const std::string& name) const { return state_->contains(prefix_ + name); }

const Tensor& Weights::tensor(const std::string& name, const Shape& shape) const {
  if (random_ != nullptr && !has(name)) {
    return random_->file.state[prefix_ + name] = random_tensor(shape, random_->random);
  }
  const auto found = state_->find(prefix_ + name);
  if (found == state_->end()) {
    fail(ErrorCode::invalid_data, "[Weights] tensor {}{} is missing", prefix_, name);
  }
  if (found->second.shape() != shape) {
    fail(ErrorCode::invalid_data, "[Weights] tensor {}{} is {}, expected {}", prefix_, name,
         found->second.shape().to_string(), shape.to_string());
  }
  if (found->second.type() != DataType::f32) {
    fail(ErrorCode::invalid_data, "[Weights] tensor {}{} is {}, expected f32", prefix_, name,
         to_string(found->second.type()));
  }
  return found->second;
}

namespace {

/// kernel is [positions] or [rows, positions]; the file's shape is [a, b, kernel…].
Shape file_shape(std::int64_t a, std::int64_t b, const Shape& kernel) {
  std::vector<std::int64_t> extents{a, b};
  extents.insert(extents.end(), kernel.extents().begin(), kernel.extents().end());
  return Shape(extents);
}

Shape graph_shape(std::int64_t out, std::int64_t in, const Shape& kernel) {
  return {out, kernel.rank() == 2 ? kernel[0] : 1, kernel.back(), in};
}

}  // namespace

Tensor conv_weight(const Weights& weights, std::int64_t out, std::int64_t in, const Shape& kernel) {
  const Tensor& from = weights.tensor("weight", file_shape(out, in, kernel));
  Tensor to(graph_shape(out, in, kernel));
  const std::int64_t taps = kernel.size();
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t i = 0; i < in; ++i) {
      for (std::int64_t k = 0; k < taps; ++k) {
        to.data()[(o * taps + k) * in + i] = from.data()[(o * in + i) * taps + k];
      }
    }
  }
  return to;
}

Tensor conv_transpose_weight(const Weights& weights, std::int64_t in, std::int64_t out,
                             const Shape& kernel) {
  const Tensor& from = weights.tensor("weight", file_shape(in, out, kernel));
  Tensor to(graph_shape(out, in, kernel));
  const std::int64_t taps = kernel.size();
  for (std::int64_t i = 0; i < in; ++i) {
    for (std::int64_t o = 0; o < out; ++o) {
      for (std::int64_t k = 0; k < taps; ++k) {
        to.data()[(o * taps + k) * in + i] = from.data()[(i * out + o) * taps + k];
      }
    }
  }
  return to;
}

}  // namespace metalaudio::nn
