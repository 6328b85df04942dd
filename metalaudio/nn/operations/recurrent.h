#pragma once

#include <metalaudio/nn/operations/inputs.h>
#include <metalaudio/nn/operations/unary.h>

#include <array>
#include <string_view>
#include <vector>

namespace metalaudio::nn {

/// The order in which a recurrent layer walks through its tokens; both walks both ways with
/// weights of their own and puts the results side by side.
enum class Direction { forward, backward, both };

constexpr std::int64_t directions(Direction direction) noexcept {
  return direction == Direction::both ? 2 : 1;
}

/// outer · function(inner · x) + offset: any activation that ONNX has for recurrent layers.
struct RecurrentActivation {
  UnaryFunction function = UnaryFunction::tanh;
  double alpha = 0;
  double beta = 0;
  double inner = 1;
  double outer = 1;
  double offset = 0;
};

// All three: `activations` is empty for torch's own, or holds those of each direction in turn in
// ONNX's order (Lstm: gates, candidate, result; Gru: gates, candidate; Rnn: one). `clip` > 0 holds
// what they are applied to within ±clip. `lengths` (i32 or i64, [batch]) says how many tokens of
// each sequence there are; y is zero beyond, and backward walks begin at the last of them.

/// One layer of torch.nn.LSTM, batch first; gates in torch's order i, f, g, o.
/// Shapes:   x[batch][tokens][in], input_weight[D][4 · hidden][in],
///           hidden_weight[D][4 · hidden][hidden], bias[D][4 · hidden] (both of torch's, summed),
///           peephole[D][3 · hidden] (of i, o, f) and initial hidden and cell
///           [D][batch][hidden], absent for zeros, with D directions ->
///           y[batch][tokens][D · hidden], hidden[D][batch][hidden], cell[D][batch][hidden].
struct Lstm {
  static constexpr std::string_view kName = "lstm";
  static constexpr std::array kInputs{
      Role::data,           Role::weight,         Role::weight,          Role::optional_weight,
      Role::optional_state, Role::optional_state, Role::optional_weight, Role::optional_data};
  enum Index { x, input_weight, hidden_weight, bias, hidden, cell, peephole, lengths };
  enum Result { y, last_hidden, last_cell };

  Direction direction = Direction::forward;
  std::vector<RecurrentActivation> activations = {};
  float clip = 0;
  bool coupled = false;  ///< the forget gate is 1 − the input gate (ONNX input_forget)

  ValueTypes infer(const Inputs& inputs) const;
};

/// One layer of torch.nn.GRU, batch first; gates in torch's order r, z, n. With `reset_after`
/// (torch, Keras v2, ONNX linear_before_reset = 1) the reset gate scales W h + b, without it scales
/// h.
/// Shapes:   as Lstm with 3 gates; bias[D][2][3 · hidden]: of the input, then of the hidden product
///           -> y[batch][tokens][D · hidden], hidden[D][batch][hidden].
struct Gru {
  static constexpr std::string_view kName = "gru";
  static constexpr std::array kInputs{Role::data,           Role::weight,
                                      Role::weight,         Role::optional_weight,
                                      Role::optional_state, Role::optional_data};
  enum Index { x, input_weight, hidden_weight, bias, hidden, lengths };
  enum Result { y, last_hidden };

  Direction direction = Direction::forward;
  bool reset_after = true;
  std::vector<RecurrentActivation> activations = {};
  float clip = 0;

  ValueTypes infer(const Inputs& inputs) const;
};

/// One layer of torch.nn.RNN, batch first: h = tanh(W x + R h + b), or relu.
/// Shapes:   as Lstm with one gate.
struct Rnn {
  static constexpr std::string_view kName = "rnn";
  static constexpr std::array kInputs{Role::data,           Role::weight,
                                      Role::weight,         Role::optional_weight,
                                      Role::optional_state, Role::optional_data};
  enum Index { x, input_weight, hidden_weight, bias, hidden, lengths };
  enum Result { y, last_hidden };

  Direction direction = Direction::forward;
  bool relu = false;
  std::vector<RecurrentActivation> activations = {};
  float clip = 0;

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
