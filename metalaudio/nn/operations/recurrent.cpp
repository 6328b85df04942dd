#include <metalaudio/nn/operations/recurrent.h>

namespace metalaudio::nn {

namespace {

/// Checks what all three have in common and gives hidden; bias has `bias_shape` after [D].
std::int64_t check(const Inputs& inputs, Direction direction, std::int64_t gates, bool two_biases) {
  inputs.expect_floating();
  const Shape& x = inputs.shape(0);
  const Shape& w = inputs.shape(1);
  const std::int64_t d = directions(direction);
  if (x.rank() != 3 || w.rank() != 3 || w[0] != d || w[1] % gates != 0 || w[1] == 0 ||
      w[2] != x[2]) {
    reject("weight {} does not fit input {} and {} gates", w.to_string(), x.to_string(), gates);
  }
  const std::int64_t hidden = w[1] / gates;
  inputs.expect_shape(2, {d, w[1], hidden}, "hidden weight");
  inputs.expect_shape(3, two_biases ? Shape{d, 2, w[1]} : Shape{d, w[1]}, "bias");
  inputs.expect_shape(4, {d, x[0], hidden}, "hidden state");
  return hidden;
}

ValueTypes results(const Inputs& inputs, Direction direction, std::int64_t hidden,
                   std::size_t states) {
  const Shape& x = inputs.shape(0);
  const std::int64_t d = directions(direction);
  ValueTypes types{{{x[0], x[1], d * hidden}, inputs.type(0)}};
  types.resize(1 + states, {{d, x[0], hidden}, inputs.type(0)});
  return types;
}

}  // namespace

ValueTypes Lstm::infer(const Inputs& inputs) const {
  const std::int64_t hidden_size = check(inputs, direction, 4, false);
  const std::int64_t d = directions(direction);
  inputs.expect_shape(cell, {d, inputs.shape(x)[0], hidden_size}, "cell state");
  inputs.expect_shape(peephole, {d, 3 * hidden_size}, "peephole weight");
  return results(inputs, direction, hidden_size, 2);
}

ValueTypes Gru::infer(const Inputs& inputs) const {
  return results(inputs, direction, check(inputs, direction, 3, true), 1);
}

ValueTypes Rnn::infer(const Inputs& inputs) const {
  return results(inputs, direction, check(inputs, direction, 1, false), 1);
}

}  // namespace metalaudio::nn
