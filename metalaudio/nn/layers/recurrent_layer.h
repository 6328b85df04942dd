#pragma once

#include <metalaudio/nn/layers/layer.h>
#include <metalaudio/nn/operations/recurrent.h>

#include <cstdint>
#include <string>
#include <vector>

namespace metalaudio::nn::layers {

struct RecurrentOptions {
  std::int64_t input_size = 1;
  std::int64_t hidden_size = 1;
  std::int64_t num_layers = 1;
  bool bias = true;
  bool bidirectional = false;
};

/// What Lstm and Gru have in common: layers on top of each other, with torch's names
/// (weight_ih_l0, weight_hh_l0_reverse, …). When streaming, or over sequences, the states of all
/// layers go on from one run to the next; offline they start as zeros, or as they are given.
/// Threads:  as Layer.
class RecurrentLayer : public Layer {
 public:
  std::string name() const override;
  const RecurrentOptions& options() const noexcept { return options_; }

  /// The states of all layers, [num_layers · directions][batch][hidden], in torch's order; one of
  /// Gru, hidden and cell of Lstm.
  struct Results {
    Value y = {};
    std::vector<Value> states = {};
  };
  /// torch's module(x, states) -> (y, states), offline.
  Results write_with_states(const Scope& scope, Value x, const std::vector<Value>& states) const;

 protected:
  RecurrentLayer(std::string kind, std::int64_t gates, std::size_t states,
                 const RecurrentOptions& options);
  Value do_write(const Scope& scope, Value x) const override;

  /// The weights of one layer, of all directions.
  struct Weights {
    Value input = {};
    Value hidden = {};
    Value bias = {};
  };
  /// Adds one layer's operation; its results are y and the last states.
  virtual std::vector<Value> add(const Scope& scope, Value x, const Weights& weights,
                                 const std::vector<Value>& states) const = 0;
  Direction direction() const noexcept {
    return options_.bidirectional ? Direction::both : Direction::forward;
  }
  /// Of one layer: both of torch's summed, or, with `apart`, one after the other.
  virtual bool biases_apart() const noexcept = 0;

 private:
  std::string suffix(std::int64_t layer, std::int64_t direction) const;
  Weights weights_of(const Scope& scope, std::int64_t layer) const;
  Results run_layers(const Scope& scope, Value x, const std::vector<Value>& states) const;

  std::string kind_;
  std::int64_t gates_;
  std::size_t states_;
  RecurrentOptions options_;
};

}  // namespace metalaudio::nn::layers
