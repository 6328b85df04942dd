#include <metalaudio/nn/compiler/rewriter.h>

namespace metalaudio::nn {

Rewriter::Rewriter(const Graph& from) : from_(from), map_(from.values().size()) {
  for (const auto& [name, value] : from.inputs()) {
    set(value, to_.input(name, from.shape(value), from.type(value).type));
  }
  for (const GraphState& state : from.states()) {
    set(state.value, to_.state(state.name, Tensor(*from.info(state.value).constant.at_hand())));
  }
}

Value Rewriter::map(Value old) {
  if (!old.present()) return {};
  Value& now = map_[static_cast<std::size_t>(old.index)];
  if (!now.present()) now = to_.constant(from_.info(old).constant);
  return now;
}

void Rewriter::follow(const Node& node) {
  to_.set_label(node.label);
  to_.set_place(node.place);
}

void Rewriter::copy(const Node& node) {
  follow(node);
  std::vector<Value> inputs;
  for (const Value input : node.inputs) inputs.push_back(map(input));
  const std::vector<Value> results = to_.apply_all(node.operation, std::move(inputs));
  for (std::size_t i = 0; i < results.size(); ++i) set(node.results[i], results[i]);
}

Graph Rewriter::finish() {
  for (const GraphState& state : from_.states()) to_.update(map(state.value), map(state.next));
  for (const auto& [name, value] : from_.outputs()) to_.output(name, map(value));
  return std::move(to_);
}

std::vector<bool> needed_nodes(const Graph& graph) {
  std::vector<bool> needed(graph.nodes().size());
  std::vector<int> open;
  const auto need = [&](Value value) {
    const int node = value.present() ? graph.info(value).node : -1;
    if (node < 0 || needed[static_cast<std::size_t>(node)]) return;
    needed[static_cast<std::size_t>(node)] = true;
    open.push_back(node);
  };
  for (const auto& [name, value] : graph.outputs()) need(value);
  for (const GraphState& state : graph.states()) need(state.next);
  while (!open.empty()) {
    const Node& node = graph.nodes()[static_cast<std::size_t>(open.back())];
    open.pop_back();
    for (const Value input : node.inputs) need(input);
  }
  return needed;
}

}  // namespace metalaudio::nn
