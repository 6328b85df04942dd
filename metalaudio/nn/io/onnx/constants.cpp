#include <metalaudio/nn/io/onnx/import_table.h>

#include <algorithm>
#include <cmath>

namespace metalaudio::nn {

namespace {

using Results = std::vector<Value>;

Results constant(Call& c) {
  for (const char* name : {"value", "sparse_value"}) {
    if (const auto value = c.attribute_tensor(name)) return {*value};
  }
  Builder& b = c.b;
  if (c.has_attribute("value_float")) {
    return {b.number(c.attribute("value_float", 0.0), DataType::f32)};
  }
  if (c.has_attribute("value_int")) {
    return {b.reshape(b.integers({c.attribute("value_int", std::int64_t{0})}), Shape{})};
  }
  if (const auto ints = c.attribute_integers("value_ints")) return {b.integers(*ints)};
  if (const auto floats = c.attribute_floats("value_floats")) {
    const std::vector<double> wide(floats->begin(), floats->end());
    return {b.floats(wide, {static_cast<std::int64_t>(wide.size())}, DataType::f32)};
  }
  unsupported("a constant of text");
}

Results constant_of_shape(Call& c) {
  const Shape shape(c.needed_integers(0));
  const auto value = c.attribute_tensor("value");
  if (!value) return {c.b.filled(shape, 0, DataType::f32)};
  if (c.b.shape(*value).size() != 1) invalid("a value of {}", c.b.shape(*value).to_string());
  return {c.b.expand(c.b.reshape(*value, Shape{}), shape)};
}

Results eye_like(Call& c) {
  const Shape shape = c.shape(0);
  if (shape.rank() != 2) invalid("input {}: 2 axes are needed", shape.to_string());
  const DataType type = c.attribute_type("dtype", c.type(0));
  const std::int64_t k = c.attribute("k", std::int64_t{0});
  c.b.check_room(static_cast<double>(shape.size()));
  std::vector<double> values(static_cast<std::size_t>(shape.size()));
  if (k > -shape[0] && k < shape[1]) {
    for (std::int64_t row = 0; row < shape[0]; ++row) {
      const std::int64_t column = row + k;
      if (column >= 0 && column < shape[1])
        values[static_cast<std::size_t>(row * shape[1] + column)] = 1;
    }
  }
  return {c.b.floats(values, shape, type)};
}

template <typename T>
Value range_of(Builder& b, std::span<const Value> bounds, DataType type) {
  const T start = b.tensor(bounds[0]).values_as<T>()[0];
  const T limit = b.tensor(bounds[1]).values_as<T>()[0];
  const T delta = b.tensor(bounds[2]).values_as<T>()[0];
  if (delta == T{0}) invalid("a step of 0");
  const double count =
      std::max(0.0, std::ceil((static_cast<double>(limit) - static_cast<double>(start)) /
                              static_cast<double>(delta)));
  b.check_room(count);
  Tensor tensor({static_cast<std::int64_t>(count)}, type);
  const std::span<T> to = tensor.values_as<T>();
  for (std::size_t i = 0; i < to.size(); ++i) {
    if constexpr (std::is_integral_v<T>) {  // a product may pass the type where the sum does not
      to[i] =
          static_cast<T>(static_cast<std::uint64_t>(start) + i * static_cast<std::uint64_t>(delta));
    } else {
      to[i] = start + static_cast<T>(i) * delta;
    }
  }
  return b.constant(std::move(tensor));
}

/// Half precisions are counted in float32, or what stash_type names.
Results range(Call& c) {
  const DataType type = c.type(0);
  DataType wide = type;
  if (type == DataType::f16 || type == DataType::bf16) {
    wide = c.attribute_type("stash_type", DataType::f32);
  }
  std::vector<Value> bounds;
  for (std::size_t i = 0; i < 3; ++i) {
    if (c.constant(i).size() != 1 || c.type(i) != type)
      invalid("input {} is no scalar of its type", i);
    bounds.push_back(c.b.cast(c.in(i), wide));
  }
  const Value counted = visit_type(wide, [&]<typename T>(std::type_identity<T>) -> Value {
    if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
      return range_of<T>(c.b, bounds, wide);
    } else {
      unsupported("{}", to_string(wide));
    }
  });
  return {c.b.cast(counted, type)};
}

/// The extents of the axes from `start` to before `end`.
Results shape(Call& c) {
  const Shape of = c.shape(0);
  const auto rank = static_cast<std::int64_t>(of.rank());
  const auto bound = [&](const char* name, std::int64_t otherwise) {
    const std::int64_t axis = c.attribute(name, otherwise);
    return std::clamp(axis < 0 ? axis + rank : axis, std::int64_t{0}, rank);
  };
  const std::int64_t start = bound("start", 0);
  const std::int64_t end = std::max(start, bound("end", rank));
  const Integers extents = extents_of(of);
  return {c.b.integers(Integers(extents.begin() + start, extents.begin() + end))};
}

// A tensor is what an optional one holds; sequences are not imported at all.
Results optional_has_element(Call& c) { return {c.b.number(c.has(0) ? 1 : 0, DataType::boolean)}; }
Results optional_get_element(Call& c) { return {c.in(0)}; }

Results size(Call& c) { return {c.b.reshape(c.b.integers({c.shape(0).size()}), Shape{})}; }

constexpr ImportEntry kEntries[] = {
    {"Constant", constant},
    {"ConstantOfShape", constant_of_shape},
    {"EyeLike", eye_like},
    {"OptionalGetElement", optional_get_element},
    {"OptionalHasElement", optional_has_element},
    {"Range", range},
    {"Shape", shape},
    {"Size", size},
};

}  // namespace

std::span<const ImportEntry> constant_imports() { return kEntries; }

}  // namespace metalaudio::nn
