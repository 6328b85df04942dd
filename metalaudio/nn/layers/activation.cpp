#include <metalaudio/core/error.h>
#include <metalaudio/nn/layers/activation.h>

#include <cmath>

namespace metalaudio::nn::layers {

PRelu::PRelu(std::int64_t num_parameters) : num_parameters_(num_parameters) {
  expect_positive("num_parameters", num_parameters);
  declare("weight", {num_parameters}, 0.25F);
}

Value PRelu::do_write(const Scope& scope, Value x) const {
  if (num_parameters_ != 1) expect(scope, x, scope.graph.shape(x).rank(), num_parameters_);
  return scope.graph.apply(Binary{BinaryFunction::prelu}, {x, weight(scope, "weight")});
}

Snake::Snake(const SnakeOptions& options) : options_(options) {
  expect_positive("channels", options.channels);
  const Shape shape = options.flat ? Shape{options.channels} : Shape{1, options.channels, 1};
  declare("alpha", shape, options.logarithmic ? 0 : 1);
  if (options.beta) declare("beta", shape, options.logarithmic ? 0 : 1);
}

Value Snake::do_write(const Scope& scope, Value x) const {
  expect(scope, x, scope.graph.shape(x).rank(), options_.channels);
  Graph& graph = scope.graph;
  const auto vector_of = [&](const char* name) {
    const Tensor from = numbers(name);
    Tensor to({options_.channels});
    for (std::size_t i = 0; i < to.size(); ++i) {
      to.data()[i] = options_.logarithmic ? std::exp(from.data()[i]) : from.data()[i];
    }
    return to;
  };
  Tensor inverse = vector_of(options_.beta ? "beta" : "alpha");
  for (float& value : inverse.values()) value = 1.0F / (value + 1e-9F);
  const auto multiply = [&](Value a, Value b) {
    return graph.apply(Binary{BinaryFunction::multiply}, {a, b});
  };
  const Value wave =
      graph.apply(Unary{UnaryFunction::sin}, {multiply(x, graph.constant(vector_of("alpha")))});
  return graph.apply(Binary{BinaryFunction::add},
                     {x, multiply(multiply(wave, wave), graph.constant(std::move(inverse)))});
}

}  // namespace metalaudio::nn::layers
