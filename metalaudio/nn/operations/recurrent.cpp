#include <metalaudio/nn/operations/index_rules.h>
#include <metalaudio/nn/operations/recurrent.h>

namespace metalaudio::nn {

namespace {

/// Rejects constant lengths that the tokens do not have.
void expect_lengths(const Inputs& inputs, std::size_t index, std::int64_t tokens) {
  const Tensor* constant = inputs.constant(index);
  if (constant == nullptr) return;
  const auto check = [&](auto lengths) {
    for (const auto length : lengths) {
      if (length < 0 || length > tokens) reject("length {} of {} tokens", length, tokens);
    }
  };
  if (constant->type() == DataType::i32) {
    check(constant->values_as<std::int32_t>());
  } else {
    check(constant->values_as<std::int64_t>());
  }
}

void expect_activations(const std::vector<RecurrentActivation>& activations, float clip,
                        Direction direction, std::int64_t each) {
  const auto count = static_cast<std::int64_t>(activations.size());
  if (count != 0 && count != each * directions(direction)) {
    reject("{} activations for {} directions of {}", count, directions(direction), each);
  }
  if (!(clip >= 0)) reject("clip {}", clip);
}

/// Checks what all three have in common and gives hidden; bias has `bias_shape` after [D].
std::int64_t check(const Inputs& inputs, Direction direction, std::int64_t gates, bool two_biases,
                   std::size_t lengths) {
  if (!is_floating(inputs.type(0))) reject("{}: a floating type is needed", inputs[0].to_string());
  for (std::size_t i = 1; i < lengths; ++i) {
    if (inputs.has(i) && inputs.type(i) != inputs.type(0)) {
      reject("input {} is {}, input 0 is {}", i, inputs[i].to_string(), inputs[0].to_string());
    }
  }
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
  if (inputs.has(lengths)) {
    expect_indices(inputs, lengths);
    inputs.expect_shape(lengths, {x[0]}, "lengths");
    expect_lengths(inputs, lengths, x[1]);
  }
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
  expect_activations(activations, clip, direction, 3);
  const std::int64_t hidden_size = check(inputs, direction, 4, false, lengths);
  const std::int64_t d = directions(direction);
  inputs.expect_shape(cell, {d, inputs.shape(x)[0], hidden_size}, "cell state");
  inputs.expect_shape(peephole, {d, 3 * hidden_size}, "peephole weight");
  return results(inputs, direction, hidden_size, 2);
}

ValueTypes Gru::infer(const Inputs& inputs) const {
  expect_activations(activations, clip, direction, 2);
  return results(inputs, direction, check(inputs, direction, 3, true, lengths), 1);
}

ValueTypes Rnn::infer(const Inputs& inputs) const {
  expect_activations(activations, clip, direction, 1);
  return results(inputs, direction, check(inputs, direction, 1, false, lengths), 1);
}

}  // namespace metalaudio::nn
