#include <metalaudio/core/error.h>
#include <metalaudio/nn/weights.h>

#include <algorithm>
#include <cmath>
#include <utility>
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

bool Weights::has(const std::string& name) const {
  return reader_ ? reader_->shape(prefix_ + name) != nullptr : state_->contains(prefix_ + name);
}

void Weights::check(const std::string& name, const Shape* found, const Shape& shape) const {
  if (found == nullptr) {
    fail(ErrorCode::invalid_data, "[Weights] tensor {}{} is missing", prefix_, name);
  }
  if (*found != shape) {
    fail(ErrorCode::invalid_data, "[Weights] tensor {}{} is {}, expected {}", prefix_, name,
         found->to_string(), shape.to_string());
  }
}

const Tensor& Weights::at_hand(const std::string& name, const Shape& shape) const {
  if (random_ != nullptr && !has(name)) {
    return random_->file.state[prefix_ + name] = random_tensor(shape, random_->random);
  }
  const auto found = state_->find(prefix_ + name);
  check(name, found == state_->end() ? nullptr : &found->second.shape(), shape);
  if (found->second.type() != DataType::f32) {
    fail(ErrorCode::invalid_data, "[Weights] tensor {}{} is {}, expected f32", prefix_, name,
         to_string(found->second.type()));
  }
  return found->second;
}

Tensor Weights::tensor(const std::string& name, const Shape& shape) const {
  if (!reader_) return at_hand(name, shape);
  check(name, reader_->shape(prefix_ + name), shape);
  return reader_->read(prefix_ + name, 0, shape);
}

Constant Weights::constant(const std::string& name, const Shape& shape) const {
  if (!reader_) return Constant(at_hand(name, shape));
  check(name, reader_->shape(prefix_ + name), shape);
  return {{shape, DataType::f32}, [reader = reader_, path = prefix_ + name, shape] {
            return reader->read(path, 0, shape);
          }};
}

Constant Weights::constant(const std::string& name, const Shape& shape, const Shape& changed,
                           std::function<Tensor(const Tensor&)> change) const {
  if (!reader_) return Constant(change(at_hand(name, shape)));
  const Constant stored = constant(name, shape);
  return {{changed, DataType::f32},
          [stored, change = std::move(change)] { return change(*stored.tensor()); }};
}

Constant Weights::rows(const std::string& name, const Shape& shape, std::int64_t first,
                       std::int64_t count) const {
  std::vector<std::int64_t> extents(shape.extents().begin(), shape.extents().end());
  const auto row = static_cast<std::size_t>(shape.size() / std::max<std::int64_t>(shape[0], 1));
  extents[0] = count;
  const std::size_t offset = static_cast<std::size_t>(first) * row;
  Shape part(extents);
  if (!reader_) {
    Tensor rows(part);
    std::copy_n(at_hand(name, shape).data() + offset, rows.size(), rows.data());
    return Constant(std::move(rows));
  }
  check(name, reader_->shape(prefix_ + name), shape);
  return {{part, DataType::f32}, [reader = reader_, path = prefix_ + name, offset, part] {
            return reader->read(path, offset, part);
          }};
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

/// [outer][inner][taps] to [outer][taps][inner].
Tensor taps_first(const Tensor& from, const Shape& shape) {
  Tensor to(shape, DataType::f32, Buffer::Content::anything);
  const std::int64_t taps = shape[1] * shape[2], inner = shape[3];
  for (std::int64_t o = 0; o < shape[0]; ++o) {
    const float* const in = from.data() + o * inner * taps;
    float* const out = to.data() + o * inner * taps;
    for (std::int64_t i = 0; i < inner; ++i) {
      for (std::int64_t k = 0; k < taps; ++k) out[k * inner + i] = in[i * taps + k];
    }
  }
  return to;
}

/// [in][out][taps] to [out][taps][in].
Tensor turned(const Tensor& from, const Shape& shape) {
  Tensor to(shape, DataType::f32, Buffer::Content::anything);
  const std::int64_t columns = shape[0] * shape[1] * shape[2], in = shape[3];
  for (std::int64_t i = 0; i < in; ++i) {
    for (std::int64_t c = 0; c < columns; ++c) to.data()[c * in + i] = from.data()[i * columns + c];
  }
  return to;
}

}  // namespace

Constant conv_weight(const Weights& weights, std::int64_t out, std::int64_t in,
                     const Shape& kernel) {
  const Shape shape = graph_shape(out, in, kernel);
  return weights.constant("weight", file_shape(out, in, kernel), shape,
                          [shape](const Tensor& from) { return taps_first(from, shape); });
}

Constant conv_transpose_weight(const Weights& weights, std::int64_t in, std::int64_t out,
                               const Shape& kernel) {
  const Shape shape = graph_shape(out, in, kernel);
  return weights.constant("weight", file_shape(in, out, kernel), shape,
                          [shape](const Tensor& from) { return turned(from, shape); });
}

}  // namespace metalaudio::nn
