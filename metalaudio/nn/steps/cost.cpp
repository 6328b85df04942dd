#include <metalaudio/nn/steps/cost.h>

#include <algorithm>

namespace metalaudio::nn {

namespace {

struct OperationsOf {
  const Graph& graph;
  const Node& node;
  double results;  ///< elements of the largest

  double size(std::size_t input) const {
    return static_cast<double>(graph.shape(node.inputs[input]).size());
  }
  double extent(std::size_t input, std::size_t axis) const {
    return static_cast<double>(graph.shape(node.inputs[input])[axis]);
  }
  double channels(std::size_t input) const {
    return extent(input, graph.shape(node.inputs[input]).rank() - 1);
  }

  double operator()(const Conv&) const {
    return 2 * results * size(Conv::weight) / std::max(1.0, extent(Conv::weight, 0));
  }
  double operator()(const ConvTranspose& conv) const {
    return 2 * size(ConvTranspose::x) * size(ConvTranspose::weight) /
           std::max(1.0, channels(ConvTranspose::weight) * static_cast<double>(conv.groups));
  }
  double operator()(const MatMul&) const { return 2 * results * channels(MatMul::a); }
  double operator()(const Attention& attention) const {
    const Shape& keys = graph.shape(node.inputs[Attention::k]);
    const auto count = static_cast<double>(keys[axis_of(attention.axis, keys.rank())]);
    return 2 * count * (size(Attention::q) + results);
  }
  template <typename Layer>
  double recurrent() const {
    const double tokens = extent(Layer::x, 0) * extent(Layer::x, 1);
    return 2 * tokens * (size(Layer::input_weight) + size(Layer::hidden_weight));
  }
  double operator()(const Lstm&) const { return recurrent<Lstm>(); }
  double operator()(const Gru&) const { return recurrent<Gru>(); }
  double operator()(const Rnn&) const { return recurrent<Rnn>(); }
  double operator()(const auto&) const { return results; }
};

bool is_recurrent(const Operation& operation) {
  return std::holds_alternative<Lstm>(operation) || std::holds_alternative<Gru>(operation) ||
         std::holds_alternative<Rnn>(operation);
}

}  // namespace

StepCost cost_of(const Graph& graph, const Node& node) {
  StepCost cost;
  for (const Value value : node.inputs) {
    if (value.present()) cost.bytes += static_cast<double>(graph.type(value).bytes());
  }
  double results = 0;
  for (const Value value : node.results) {
    cost.bytes += static_cast<double>(graph.type(value).bytes());
    results = std::max(results, static_cast<double>(graph.shape(value).size()));
  }
  cost.operations = std::visit(OperationsOf{graph, node, results}, node.operation);
  if (is_recurrent(node.operation)) {
    cost.rounds = static_cast<double>(graph.shape(node.inputs[Lstm::x])[1]);
  }
  return cost;
}

}  // namespace metalaudio::nn
