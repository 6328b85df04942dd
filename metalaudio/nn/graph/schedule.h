#pragma once

#include <metalaudio/nn/graph/graph.h>

#include <string>
#include <vector>

namespace metalaudio::nn {

enum class StepKind {
  conv,
  slice,
  conv_transpose,
  dconv,
  group_norm,
  layer_norm,
  attention,
  activation,
  add,
  multiply
};

std::string_view to_string(StepKind kind) noexcept;

/// One kernel call: an operation with what was fused into it.
struct Step {
  StepKind kind;
  std::vector<Value> inputs;  ///< of the first operation, then those of the fused ones
  Attributes attributes;
  Activation activation = Activation::none;
  Value gain;      ///< conv: per-channel factors folded into the weights
  Value residual;  ///< conv: added last
  Value output;
  std::string label;
};

/// The inputs of StepKind::dconv, in order: x + gain · glu(norm(conv(gelu(norm(conv(x)))))).
/// Equals one layer of demucs.demucs.DConv.
struct DConvInputs {
  enum Index { x, weight1, bias1, gamma1, beta1, weight2, bias2, gamma2, beta2, gain, count };
};

/// Turns a graph into steps, in order: convolutions take the activation, per-channel gain and
/// addition that follow them, normalisations their activation, and the layers of a DConv become
/// one. Reshapes vanish: resolve() names the value whose memory they share. Threads:  a value.
class Schedule {
 public:
  explicit Schedule(const Graph& graph);

  const std::vector<Step>& steps() const noexcept { return steps_; }
  /// The value that holds the memory of this one.
  Value resolve(Value value) const { return owners_.at(static_cast<std::size_t>(value.index)); }

 private:
  const Node* sole_consumer(Value value) const;
  void add_step(int index);
  bool fuse_dconv(int index);
  void fuse_after_conv(Step& step);
  void take(Step& step, const Node* consumer);

  const Graph& graph_;
  std::vector<std::vector<int>> consumers_;
  std::vector<bool> taken_;
  std::vector<Value> owners_;
  std::vector<Step> steps_;
};

}  // namespace metalaudio::nn
