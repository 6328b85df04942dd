#include "tests/parity/reference.h"

#include "tests/parity/reference/operations.h"

namespace metalaudio::nn {

std::vector<ReferenceValue> reference(const Operation& operation, const ReferenceInputs& inputs) {
  std::vector<Input> seen;
  for (const ReferenceValue* input : inputs) {
    seen.push_back({input != nullptr ? &input->type : nullptr, nullptr});
  }
  Results results;
  for (ValueType& type : infer(operation, Inputs(seen))) {
    const auto size = static_cast<std::size_t>(type.shape.size());
    results.push_back({std::move(type), std::vector<Number>(size)});
  }
  std::visit([&](const auto& o) { compute(o, inputs, results); }, operation);
  for (ReferenceValue& result : results) {
    const auto round = [&]<typename T>(std::type_identity<T>) {
      if constexpr (sizeof(T) == 2 && !std::is_integral_v<T>) {
        for (Number& v : result.values) v = static_cast<float>(T(static_cast<float>(v)));
      } else if constexpr (std::is_floating_point_v<T>) {
        for (Number& v : result.values) v = std::isinf(static_cast<T>(v)) ? static_cast<T>(v) : v;
      }
    };
    visit_type(result.type.type, round);
  }
  return results;
}

ReferenceValue reference_value(const ConstTensorView& view) {
  ReferenceValue value{{view.shape(), view.type()}, {}};
  visit_type(view.type(), [&]<typename T>(std::type_identity<T>) {
    for (const T v : view.values_as<T>()) {
      if constexpr (std::is_arithmetic_v<T>) {
        value.values.push_back(v);
      } else {
        value.values.push_back(static_cast<float>(v));
      }
    }
  });
  return value;
}

void write(const ReferenceValue& value, const TensorView& view) {
  visit_type(view.type(), [&]<typename T>(std::type_identity<T>) {
    const std::span<T> to = view.values_as<T>();
    for (std::size_t i = 0; i < to.size(); ++i) {
      if constexpr (std::is_arithmetic_v<T>) {
        to[i] = static_cast<T>(value.values[i]);
      } else {
        to[i] = T(static_cast<float>(value.values[i]));
      }
    }
  });
}

ReferencePlan::ReferencePlan(const Graph& graph) : graph_(graph), values_(graph.values().size()) {
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const ValueInfo& info = graph.values()[i];
    if (info.kind == ValueKind::constant)
      values_[i] = reference_value(info.constant.tensor()->view());
  }
  reset();
}

void ReferencePlan::reset() {
  states_.clear();
  for (const GraphState& state : graph_.states()) {
    states_.push_back(reference_value(graph_.info(state.value).constant.tensor()->view()));
  }
}

std::map<std::string, ReferenceValue> ReferencePlan::run(
    const std::map<std::string, ReferenceValue>& inputs) {
  const auto value = [&](Value v) -> ReferenceValue& {
    return values_[static_cast<std::size_t>(v.index)];
  };
  for (const auto& [name, input] : graph_.inputs()) value(input) = inputs.at(name);
  for (std::size_t i = 0; i < states_.size(); ++i) value(graph_.states()[i].value) = states_[i];
  for (const Node& node : graph_.nodes()) {
    ReferenceInputs from;
    for (const Value input : node.inputs) from.push_back(input.present() ? &value(input) : nullptr);
    std::vector<ReferenceValue> results = reference(node.operation, from);
    for (std::size_t i = 0; i < results.size(); ++i) value(node.results[i]) = std::move(results[i]);
  }
  for (std::size_t i = 0; i < states_.size(); ++i) states_[i] = value(graph_.states()[i].next);
  std::map<std::string, ReferenceValue> outputs;
  for (const auto& [name, output] : graph_.outputs()) outputs[name] = value(output);
  return outputs;
}

}  // namespace metalaudio::nn
