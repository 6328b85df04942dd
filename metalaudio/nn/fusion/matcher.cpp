#include <metalaudio/nn/fusion/matcher.h>

namespace metalaudio::nn {

Matcher::Matcher(const Graph& graph, std::span<const int> nodes)
    : graph_(graph),
      consumers_(graph.values().size()),
      here_(graph.nodes().size()),
      taken_(graph.nodes().size()) {
  for (const int node : nodes) here_[static_cast<std::size_t>(node)] = true;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    for (const Value input : graph.nodes()[i].inputs) {
      if (input.present()) {
        consumers_[static_cast<std::size_t>(input.index)].push_back(static_cast<int>(i));
      }
    }
  }
  // What leaves the graph must exist: it counts as a consumer that takes part in no fusion.
  const auto leaves = [&](Value value) {
    consumers_[static_cast<std::size_t>(value.index)].push_back(-1);
  };
  for (const auto& [name, value] : graph.outputs()) leaves(value);
  for (const GraphState& state : graph.states()) leaves(state.next);
}

int Matcher::sole_consumer(Value value) const {
  const std::span<const int> readers = consumers(value);
  return readers.size() == 1 && free(readers[0]) ? readers[0] : -1;
}

bool is_per_channel(const Graph& graph, Value value, std::int64_t channels) {
  if (!graph.is_constant(value)) return false;
  const Shape& shape = graph.shape(value);
  return shape.rank() > 0 && shape.back() == channels && shape.size() == channels;
}

}  // namespace metalaudio::nn
