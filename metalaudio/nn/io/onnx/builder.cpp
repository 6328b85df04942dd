#include <metalaudio/core/error.h>
#include <metalaudio/nn/compiler/simplify.h>
#include <metalaudio/nn/io/onnx/builder.h>

#include <algorithm>
#include <numeric>

namespace metalaudio::nn {

namespace {

// Sums and products of two extents, or of one and a stride, stay in 64 bits.
constexpr std::int64_t kMostExtent = std::int64_t{1} << 31;

}  // namespace

void Builder::check_room(double count) const {
  const double bytes = count * 8;
  if (bytes > static_cast<double>(limit_bytes_)) {
    fail(ErrorCode::out_of_memory, "a list of {:.0f} numbers: {} MiB are allowed", count,
         limit_bytes_ >> 20U);
  }
}

void Builder::check_extents(const Shape& shape) {
  for (const std::int64_t extent : shape.extents()) {
    if (extent > kMostExtent) {
      fail(ErrorCode::unsupported, "{}: an axis has at most {}", shape.to_string(), kMostExtent);
    }
  }
}

std::vector<Value> Builder::apply_all(Operation operation, std::vector<Value> inputs) {
  bool known = true;
  for (const Value input : inputs) known = known && (!input.present() || is_constant(input));
  if (!known) {
    const std::vector<Value> values = graph_.apply_all(std::move(operation), std::move(inputs));
    for (const Value value : values) check_extents(graph_.type(value).shape);
    return values;
  }
  // A node that nothing reads costs nothing, and its types are the check before memory is taken.
  const std::vector<Value> types = graph_.apply_all(operation, inputs);
  std::size_t bytes = 0;
  for (const Value value : types) {
    check_extents(graph_.type(value).shape);
    bytes += graph_.type(value).bytes();
  }
  if (bytes > limit_bytes_ - computed_bytes_) {
    fail(ErrorCode::out_of_memory, "constants of {} MiB: {} MiB are allowed",
         (computed_bytes_ + bytes) >> 20U, limit_bytes_ >> 20U);
  }
  computed_bytes_ += bytes;
  std::vector<std::shared_ptr<const Tensor>> tensors;
  for (const Value input : inputs) {
    tensors.push_back(input.present() ? graph_.info(input).constant.tensor() : nullptr);
    if (input.present()) bytes += tensors.back()->view().bytes();
  }
  // Tables, beside what it reads and gives, may take as much as constants.
  std::vector<Value> values;
  for (Tensor& tensor : evaluate(operation, tensors, limit_bytes_ + bytes))
    values.push_back(this->constant(std::move(tensor)));
  return values;
}

Value Builder::apply(Operation operation, std::vector<Value> inputs) {
  return apply_all(std::move(operation), std::move(inputs)).front();
}

Value Builder::constant(Tensor tensor) { return graph_.constant(std::move(tensor)); }

Value Builder::integers(const Integers& values, DataType type) {
  Tensor tensor({static_cast<std::int64_t>(values.size())}, type);
  visit_type(type, [&]<typename T>(std::type_identity<T>) {
    if constexpr (std::is_integral_v<T>) {
      std::transform(values.begin(), values.end(), tensor.values_as<T>().begin(),
                     [](std::int64_t value) { return static_cast<T>(value); });
    }
  });
  return constant(std::move(tensor));
}

Value Builder::floats(std::span<const double> values, const Shape& shape, DataType type) {
  Tensor tensor(shape, type);
  visit_type(type, [&]<typename T>(std::type_identity<T>) {
    const std::span<T> to = tensor.values_as<T>();
    for (std::size_t i = 0; i < to.size(); ++i) {
      if constexpr (sizeof(T) == 2 && !std::is_integral_v<T>) {
        to[i] = T(static_cast<float>(values[i]));
      } else {
        to[i] = static_cast<T>(values[i]);
      }
    }
  });
  return constant(std::move(tensor));
}

Value Builder::number(double value, DataType type) { return floats({&value, 1}, Shape{}, type); }

Value Builder::filled(const Shape& shape, double value, DataType type) {
  return expand(number(value, type), shape);
}

Value Builder::cast(Value x, DataType to) { return type(x) == to ? x : apply(Cast{to}, {x}); }

Value Builder::reshape(Value x, const Shape& to) {
  return shape(x) == to ? x : apply(Reshape{to}, {x});
}

Value Builder::transpose(Value x, const std::vector<std::size_t>& order) {
  bool same = order.size() == rank(x);
  for (std::size_t i = 0; same && i < order.size(); ++i) same = order[i] == i;
  return same ? x : apply(Transpose{order}, {x});
}

Value Builder::swap_last_two(Value x) {
  std::vector<std::size_t> order(rank(x));
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return transpose(x, order);
}

Value Builder::channels_last(Value x) {
  std::vector<std::size_t> order{0};
  for (std::size_t i = 2; i < rank(x); ++i) order.push_back(i);
  order.push_back(1);
  return transpose(x, order);
}

Value Builder::channels_first(Value x) {
  std::vector<std::size_t> order{0, rank(x) - 1};
  for (std::size_t i = 1; i + 1 < rank(x); ++i) order.push_back(i);
  return transpose(x, order);
}

Value Builder::expand(Value x, const Shape& to) {
  return shape(x) == to ? x : apply(Expand{to}, {x});
}

Value Builder::slice(Value x, std::size_t axis, std::int64_t start, std::int64_t extent) {
  const Shape in = shape(x);
  if (start == 0 && extent == in[axis]) return x;
  Integers starts(in.rank());
  Integers extents(in.extents().begin(), in.extents().end());
  starts[axis] = start;
  extents[axis] = extent;
  return apply(Slice{starts, Shape(extents), {}}, {x});
}

Value Builder::pick(Value x, std::size_t axis, std::int64_t position) {
  Integers extents = extents_of(shape(x));
  extents.erase(extents.begin() + static_cast<std::ptrdiff_t>(axis));
  return reshape(slice(x, axis, position, 1), Shape(extents));
}

Value Builder::concat(const std::vector<Value>& parts, std::size_t axis) {
  return parts.size() == 1 ? parts[0] : apply(Concat{static_cast<std::int64_t>(axis)}, parts);
}

Value Builder::reduce(ReduceFunction function, Value x, std::vector<std::size_t> axes,
                      bool keep_axes) {
  return apply(Reduce{function, std::move(axes), keep_axes}, {x});
}

Value Builder::with_rank(Value x, std::size_t rank) {
  Integers extents(rank - this->rank(x), 1);
  const Integers own = extents_of(shape(x));
  extents.insert(extents.end(), own.begin(), own.end());
  return reshape(x, Shape(extents));
}

Value Builder::along_axis(Value x, std::size_t axis, std::size_t rank) {
  Integers extents(rank - axis, 1);
  extents[0] = shape(x).size();
  return reshape(x, Shape(extents));
}

}  // namespace metalaudio::nn
