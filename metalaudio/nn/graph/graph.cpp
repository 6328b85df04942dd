#include <metalaudio/core/error.h>
#include <metalaudio/nn/graph/graph.h>

#include <algorithm>

namespace metalaudio::nn {

Value Graph::append(ValueInfo info) {
  values_.push_back(std::move(info));
  return {static_cast<int>(values_.size()) - 1};
}

void Graph::check_name(const std::vector<std::pair<std::string, Value>>& ports,
                       const std::string& name, const char* what) const {
  const bool taken =
      std::any_of(ports.begin(), ports.end(), [&](const auto& port) { return port.first == name; });
  if (taken) fail(ErrorCode::invalid_argument, "[nn::Graph] two {}s are called {}", what, name);
}

Value Graph::input(std::string name, const Shape& shape, DataType type) {
  check_name(inputs_, name, "input");
  const Value value = append({{shape, type}, ValueKind::input});
  inputs_.emplace_back(std::move(name), value);
  return value;
}

Value Graph::constant(Tensor tensor) { return constant(Constant(std::move(tensor))); }

Value Graph::constant(std::shared_ptr<const Tensor> tensor) {
  return constant(Constant(std::move(tensor)));
}

Value Graph::constant(Constant constant) {
  const ValueType type = constant.type();
  return append({type, ValueKind::constant, -1, std::move(constant)});
}

Value Graph::state(std::string name, const Shape& shape, DataType type) {
  return state(std::move(name), Tensor(shape, type));
}

Value Graph::state(std::string name, Tensor initial) {
  for (const GraphState& other : states_) {
    if (other.name == name) {
      fail(ErrorCode::invalid_argument, "[nn::Graph] two states are called {}", name);
    }
  }
  const ValueType type{initial.shape(), initial.type()};
  const Value value = append({type, ValueKind::state, -1, Constant(std::move(initial))});
  states_.push_back({std::move(name), value, value});
  return value;
}

void Graph::update(Value state, Value next) {
  const auto found = std::find_if(states_.begin(), states_.end(),
                                  [&](const GraphState& s) { return s.value == state; });
  if (found == states_.end()) {
    fail(ErrorCode::invalid_argument, "[nn::Graph] value {} is not a state", state.index);
  }
  if (type(next) != type(state)) {
    fail(ErrorCode::invalid_argument, "[nn::Graph] state {} is {}, replaced by {}", found->name,
         type(state).to_string(), type(next).to_string());
  }
  found->next = next;
}

void Graph::output(std::string name, Value value) {
  check_name(outputs_, name, "output");
  info(value);
  outputs_.emplace_back(std::move(name), value);
}

ValueTypes Graph::check(const Operation& operation, std::span<const Value> inputs) const {
  const std::span<const Role> roles = roles_of(operation);
  if (inputs.empty() || (inputs.size() > roles.size() && !is_variadic(operation))) {
    reject("{} inputs, at most {}", inputs.size(), roles.size());
  }
  std::vector<Input> seen;
  for (std::size_t i = 0; i < std::max(inputs.size(), roles.size()); ++i) {
    const Role role = roles[std::min(i, roles.size() - 1)];
    if (i >= inputs.size() || !inputs[i].present()) {
      if (!is_optional(role)) reject("input {} is missing", i);
      seen.emplace_back();
      continue;
    }
    const ValueInfo& info = this->info(inputs[i]);
    seen.push_back(
        {&info.type, info.kind == ValueKind::constant ? info.constant.at_hand() : nullptr});
  }
  return infer(operation, Inputs(seen));
}

std::vector<Value> Graph::apply_all(Operation operation, std::vector<Value> inputs) {
  ValueTypes types;
  try {
    types = check(operation, inputs);
  } catch (const Rejection& reason) {
    fail(ErrorCode::invalid_argument, "[nn::Graph] {} ({}): {}", name_of(operation), label_,
         reason.what());
  }
  Node node{std::move(operation), std::move(inputs), {}, label_, place_};
  node.inputs.resize(std::max(node.inputs.size(), roles_of(node.operation).size()));
  for (ValueType& type : types) {
    node.results.push_back(
        append({std::move(type), ValueKind::result, static_cast<int>(nodes_.size())}));
  }
  nodes_.push_back(std::move(node));
  return nodes_.back().results;
}

Value Graph::apply(Operation operation, std::vector<Value> inputs) {
  return apply_all(std::move(operation), std::move(inputs)).front();
}

}  // namespace metalaudio::nn
