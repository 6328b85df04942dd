#pragma once

#include <metalaudio/nn/layers/recurrent_layer.h>

namespace metalaudio::nn::layers {

/// torch.nn.GRU(batch_first=True): gates in the order r, z, n. With `reset_after` the reset gate
/// scales W h + b, as in torch, cuDNN and Keras' reset_after=True; without it, h itself, as in the
/// paper and Keras' reset_after=False.
/// Shapes:   as Lstm with 3 gates.
/// Threads:  as Layer.
class Gru final : public RecurrentLayer {
 public:
  explicit Gru(const RecurrentOptions& options, bool reset_after = true)
      : RecurrentLayer("Gru", 3, 1, options), reset_after_(reset_after) {}

 protected:
  bool biases_apart() const noexcept override { return true; }
  std::vector<Value> add(const Scope& scope, Value x, const Weights& weights,
                         const std::vector<Value>& states) const override {
    return scope.graph.apply_all(
        nn::Gru{direction(), reset_after_},
        {x, weights.input, weights.hidden, weights.bias, states[0], scope.lengths});
  }

 private:
  bool reset_after_;
};

}  // namespace metalaudio::nn::layers
