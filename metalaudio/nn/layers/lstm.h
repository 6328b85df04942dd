#pragma once

#include <metalaudio/nn/layers/recurrent_layer.h>

namespace metalaudio::nn::layers {

/// torch.nn.LSTM(batch_first=True), without projections: gates in the order i, f, g, o.
/// Shapes:   [batch][tokens][input_size] -> [batch][tokens][directions · hidden_size];
///           weight_ih_l0[4 · hidden][input], weight_hh_l0[4 · hidden][hidden], bias_ih_l0,
///           bias_hh_l0[4 · hidden], and so on with _l1, _reverse.
/// Threads:  as Layer.
class Lstm final : public RecurrentLayer {
 public:
  explicit Lstm(const RecurrentOptions& options) : RecurrentLayer("Lstm", 4, 2, options) {}

 protected:
  bool biases_apart() const noexcept override { return false; }
  std::vector<Value> add(const Scope& scope, Value x, const Weights& weights,
                         const std::vector<Value>& states) const override {
    return scope.graph.apply_all(nn::Lstm{direction()},
                                 {x, weights.input, weights.hidden, weights.bias, states[0],
                                  states[1], Value{}, scope.lengths});
  }
};

}  // namespace metalaudio::nn::layers
