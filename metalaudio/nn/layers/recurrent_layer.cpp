#include <metalaudio/core/error.h>
#include <metalaudio/nn/layers/recurrent_layer.h>

namespace metalaudio::nn::layers {

namespace {

/// Adds the numbers of a tensor to `to`.
void accumulate(const Tensor& from, float* to) {
  for (std::size_t i = 0; i < from.size(); ++i) to[i] += from.data()[i];
}

/// Rows [first, first + count) along axis 0.
Value rows(Graph& graph, Value value, std::int64_t first, std::int64_t count) {
  std::vector<std::int64_t> extents(graph.shape(value).extents().begin(),
                                    graph.shape(value).extents().end());
  std::vector<std::int64_t> starts(extents.size(), 0);
  starts[0] = first;
  extents[0] = count;
  return graph.apply(Slice{starts, Shape(extents)}, {value});
}

}  // namespace

RecurrentLayer::RecurrentLayer(std::string kind, std::int64_t gates, std::size_t states,
                               const RecurrentOptions& options)
    : kind_(std::move(kind)), gates_(gates), states_(states), options_(options) {
  expect_positive("input_size", options.input_size);
  expect_positive("hidden_size", options.hidden_size);
  expect_positive("num_layers", options.num_layers);
  const std::int64_t hidden = options.hidden_size;
  for (std::int64_t layer = 0; layer < options.num_layers; ++layer) {
    const std::int64_t in = layer == 0 ? options.input_size : hidden * directions(direction());
    for (std::int64_t d = 0; d < directions(direction()); ++d) {
      const std::string end = suffix(layer, d);
      declare("weight_ih" + end, {gates * hidden, in});
      declare("weight_hh" + end, {gates * hidden, hidden});
      if (!options.bias) continue;
      declare("bias_ih" + end, {gates * hidden});
      declare("bias_hh" + end, {gates * hidden});
    }
  }
}

std::string RecurrentLayer::name() const {
  return fmt::format(
      "{}({}, {}{}{})", kind_, options_.input_size, options_.hidden_size,
      options_.num_layers == 1 ? "" : fmt::format(", num_layers={}", options_.num_layers),
      options_.bidirectional ? ", bidirectional" : "");
}

std::string RecurrentLayer::suffix(std::int64_t layer, std::int64_t direction) const {
  return fmt::format("_l{}{}", layer, direction == 0 ? "" : "_reverse");
}

RecurrentLayer::Weights RecurrentLayer::weights_of(const Scope& scope, std::int64_t layer) const {
  const std::int64_t d = directions(direction());
  const std::int64_t rows = gates_ * options_.hidden_size;
  const std::int64_t in = layer == 0 ? options_.input_size : options_.hidden_size * d;
  Tensor input({d, rows, in});
  Tensor hidden({d, rows, options_.hidden_size});
  Tensor bias(biases_apart() ? Shape{d, 2, rows} : Shape{d, rows});
  for (std::int64_t i = 0; i < d; ++i) {
    const std::string end = suffix(layer, i);
    accumulate(numbers("weight_ih" + end), input.data() + i * rows * in);
    accumulate(numbers("weight_hh" + end), hidden.data() + i * rows * options_.hidden_size);
    if (!options_.bias) continue;
    float* to = bias.data() + i * rows * (biases_apart() ? 2 : 1);
    accumulate(numbers("bias_ih" + end), to);
    accumulate(numbers("bias_hh" + end), to + (biases_apart() ? rows : 0));
  }
  Graph& graph = scope.graph;
  return {graph.constant(std::move(input)), graph.constant(std::move(hidden)),
          options_.bias ? graph.constant(std::move(bias)) : Value{}};
}

RecurrentLayer::Results RecurrentLayer::run_layers(const Scope& scope, Value x,
                                                   const std::vector<Value>& states) const {
  expect(scope, x, 3, options_.input_size);
  Graph& graph = scope.graph;
  const std::int64_t d = directions(direction());
  const bool carried = scope.mode != Mode::offline;
  if (scope.mode == Mode::streaming && options_.bidirectional) {
    refuse(ErrorCode::unsupported, scope, "both directions need the whole sequence");
  }
  const Shape state_shape{d, graph.shape(x)[0], options_.hidden_size};
  std::vector<std::vector<Value>> last(states_);
  for (std::int64_t layer = 0; layer < options_.num_layers; ++layer) {
    std::vector<Value> initial(states_);
    for (std::size_t s = 0; s < states_; ++s) {
      if (carried) {
        const char* what = s == 0 ? "hidden" : "cell";
        initial[s] = graph.state(fmt::format("{}.{}_l{}", scope.path, what, layer), state_shape);
      } else if (s < states.size() && states[s].present()) {
        initial[s] = rows(graph, states[s], layer * d, d);
      }
    }
    const std::vector<Value> results = add(scope, x, weights_of(scope, layer), initial);
    x = results[0];
    for (std::size_t s = 0; s < states_; ++s) {
      if (carried) graph.update(initial[s], results[s + 1]);
      last[s].push_back(results[s + 1]);
    }
  }
  Results all{x, {}};
  for (const std::vector<Value>& parts : last) {
    all.states.push_back(parts.size() == 1 || carried ? parts[0] : graph.apply(Concat{0}, parts));
  }
  return all;
}

Value RecurrentLayer::do_write(const Scope& scope, Value x) const {
  return run_layers(scope, x, {}).y;
}

RecurrentLayer::Results RecurrentLayer::write_with_states(const Scope& scope, Value x,
                                                          const std::vector<Value>& states) const {
  expect_offline(scope);
  scope.graph.set_label(scope.path);
  const Shape expected{options_.num_layers * directions(direction()), scope.graph.shape(x)[0],
                       options_.hidden_size};
  for (const Value state : states) {
    if (state.present() && scope.graph.shape(state) != expected) {
      refuse(ErrorCode::invalid_argument, scope, "a state is {}, expected {}",
             scope.graph.shape(state).to_string(), expected.to_string());
    }
  }
  return run_layers(scope, x, states);
}

}  // namespace metalaudio::nn::layers
