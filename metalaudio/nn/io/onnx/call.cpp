#include <metalaudio/nn/io/onnx/call.h>
#include <metalaudio/nn/io/onnx/narrow_types.h>
#include <metalaudio/nn/io/onnx/tensor_reader.h>

#include <algorithm>

namespace metalaudio::nn {

Value Call::in(std::size_t i) const {
  if (!has(i)) invalid("input {} is missing", i);
  return inputs_[i];
}

const Tensor& Call::constant(std::size_t i) const {
  if (!b.is_constant(in(i))) {
    throw NotConstant(fmt::format("input {} ({}) must be constant", i, node_->inputs[i]), in(i));
  }
  return b.tensor(in(i));
}

Value Call::weight(std::size_t i) const {
  if (sampled) constant(i);
  return in(i);
}

std::optional<Integers> Call::integers(std::size_t i) const {
  if (!has(i)) return std::nullopt;
  const Tensor& tensor = constant(i);
  if (is_floating(tensor.type())) invalid("input {} is {}", i, to_string(tensor.type()));
  return integers_of(tensor);
}

std::optional<std::vector<double>> Call::numbers(std::size_t i) const {
  if (!has(i)) return std::nullopt;
  return numbers_of(constant(i));
}

std::optional<double> Call::number(std::size_t i) const {
  const std::optional<std::vector<double>> values = numbers(i);
  if (!values) return std::nullopt;
  if (values->size() != 1) invalid("input {} has {} values, expected 1", i, values->size());
  return values->front();
}

Integers Call::needed_integers(std::size_t i) const {
  in(i);
  return *integers(i);
}

std::int64_t Call::needed_integer(std::size_t i) const {
  const Integers values = needed_integers(i);
  if (values.size() != 1) invalid("input {} has {} values, expected 1", i, values.size());
  return values.front();
}

std::vector<double> Call::needed_numbers(std::size_t i) const {
  in(i);
  return *numbers(i);
}

double Call::needed_number(std::size_t i) const {
  in(i);
  return *number(i);
}

const OnnxAttribute* Call::find(std::string_view name) const {
  const auto found = node_->attributes.find(name);
  if (found == node_->attributes.end()) return nullptr;
  if (found->second.reference.empty()) return &found->second;
  if (bindings_ == nullptr) return nullptr;
  const auto bound = bindings_->find(found->second.reference);
  return bound == bindings_->end() ? nullptr : &bound->second;
}

template <typename T>
const T* Call::find_as(std::string_view name) const {
  const OnnxAttribute* attribute = find(name);
  if (attribute == nullptr) return nullptr;
  const T* value = std::get_if<T>(&attribute->value);
  if (value == nullptr) invalid("attribute {} has another type than it should", name);
  return value;
}

std::int64_t Call::attribute(std::string_view name, std::int64_t otherwise) const {
  const auto* value = find_as<std::int64_t>(name);
  return value != nullptr ? *value : otherwise;
}

double Call::attribute(std::string_view name, double otherwise) const {
  const auto* value = find_as<float>(name);
  return value != nullptr ? static_cast<double>(*value) : otherwise;
}

std::string Call::attribute(std::string_view name, const char* otherwise) const {
  const auto* value = find_as<std::string>(name);
  return value != nullptr ? *value : otherwise;
}

std::optional<Integers> Call::attribute_integers(std::string_view name) const {
  const auto* value = find_as<Integers>(name);
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<std::vector<float>> Call::attribute_floats(std::string_view name) const {
  const auto* value = find_as<std::vector<float>>(name);
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::vector<std::string> Call::attribute_strings(std::string_view name) const {
  const auto* value = find_as<std::vector<std::string>>(name);
  return value != nullptr ? *value : std::vector<std::string>{};
}

std::optional<Value> Call::attribute_tensor(std::string_view name) const {
  const auto* tensor = find_as<OnnxTensor>(name);
  if (tensor == nullptr) return std::nullopt;
  if (!tensor->value) unsupported("{}", tensor->trouble);
  const Value value = b.graph().constant(tensor->value);
  b.mark(value, tensor->narrow);
  return value;
}

const OnnxGraph& Call::attribute_graph(std::string_view name) const {
  const auto* graph = find_as<std::shared_ptr<const OnnxGraph>>(name);
  if (graph == nullptr) invalid("attribute {} is missing", name);
  return **graph;
}

DataType Call::attribute_type(std::string_view name, DataType otherwise) const {
  if (!has_attribute(name)) return otherwise;
  const std::int64_t number = attribute(name, std::int64_t{0});
  const std::optional<DataType> type = data_type_of(static_cast<int>(number));
  if (!type) unsupported("{} {}", name, onnx_type_name(static_cast<int>(number)));
  return *type;
}

int Call::attribute_narrow(std::string_view name) const {
  const auto number = static_cast<int>(attribute(name, std::int64_t{0}));
  return narrow_type(number) != nullptr ? number : 0;
}

std::optional<Integers> Call::axes(std::size_t input, std::string_view name) const {
  return has(input) ? integers(input) : attribute_integers(name);
}

std::size_t axis_in(std::int64_t axis, std::size_t rank) {
  const auto size = static_cast<std::int64_t>(rank);
  if (axis < -size || axis >= size) invalid("axis {} of a value with {} axes", axis, rank);
  return static_cast<std::size_t>(axis < 0 ? axis + size : axis);
}

std::vector<std::size_t> axes_in(const Integers& axes, std::size_t rank) {
  std::vector<std::size_t> found;
  for (const std::int64_t axis : axes) found.push_back(axis_in(axis, rank));
  std::sort(found.begin(), found.end());
  if (std::adjacent_find(found.begin(), found.end()) != found.end()) {
    invalid("an axis is named twice");
  }
  return found;
}

std::vector<double> numbers_of(const Tensor& tensor) {
  std::vector<double> numbers;
  visit_type(tensor.type(), [&]<typename T>(std::type_identity<T>) {
    for (const T value : tensor.values_as<T>()) {
      if constexpr (sizeof(T) == 2 && !std::is_integral_v<T>) {
        numbers.push_back(static_cast<double>(static_cast<float>(value)));
      } else {
        numbers.push_back(static_cast<double>(value));
      }
    }
  });
  return numbers;
}

Integers integers_of(const Tensor& tensor) {
  Integers numbers;
  visit_type(tensor.type(), [&]<typename T>(std::type_identity<T>) {
    if constexpr (std::is_integral_v<T>) {
      for (const T value : tensor.values_as<T>())
        numbers.push_back(static_cast<std::int64_t>(value));
    }
  });
  return numbers;
}

}  // namespace metalaudio::nn
