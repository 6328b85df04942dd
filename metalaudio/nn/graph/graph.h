#pragma once

#include <metalaudio/core/tensor.h>
#include <metalaudio/nn/graph/operation.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace metalaudio::nn {

/// Names one value of a graph.
struct Value {
  int index = -1;
  friend bool operator==(Value, Value) = default;
};

/// One operation of a graph and the value it makes.
struct Node {
  OperationKind kind;
  std::vector<Value> inputs;
  Attributes attributes;
  Shape shape;
  std::shared_ptr<const Tensor> constant;  ///< of OperationKind::constant
  std::string label;                       ///< where it stands in the model, for reports
};

/// A network as a list of operations with static shapes, in the order in which they may run.
/// Shapes:   audio values are [rows][positions][channels], channels innermost; the time branch of a
///           model has one row, a spectrogram one row per frequency; tokens are
///           [1][tokens][channels].
/// Errors:   every operation checks its inputs and throws Error{invalid_argument} with its label.
/// Threads:  built by one thread; then a constant.
class Graph {
 public:
  Value input(std::string name, const Shape& shape);
  Value constant(Tensor tensor);
  void output(std::string name, Value value);

  /// torch.nn.Conv2d over (rows, positions). weight[out][kernel_rows][kernel_positions][in],
  /// bias[out].
  Value conv(Value x, Value weight, Value bias, const ConvAttributes& attributes);
  /// torch.nn.ConvTranspose2d, cropped. weight[out][kernel_rows][kernel_positions][in], bias[out].
  Value conv_transpose(Value x, Value weight, Value bias,
                       const ConvTransposeAttributes& attributes);
  /// torch.nn.Linear on the channels. weight[out][in], bias[out].
  Value linear(Value x, Value weight, Value bias);
  /// torch.nn.GroupNorm; gamma[channels], beta[channels].
  Value group_norm(Value x, Value gamma, Value beta, const GroupNormAttributes& attributes);
  /// torch.nn.LayerNorm on the channels.
  Value layer_norm(Value x, Value gamma, Value beta, float epsilon = 1e-5F);
  /// softmax(q kᵀ / sqrt(channels / heads)) v per head, over the positions of one row.
  Value attention(Value q, Value k, Value v, int heads);
  Value activation(Value x, Activation activation);
  /// a + b and a · b; b repeats along rows or positions where its extent is 1.
  Value add(Value a, Value b);
  Value multiply(Value a, Value b);
  /// Rows [first_row, first_row + shape[0]) and positions likewise, all channels.
  Value slice(Value x, std::int64_t first_row, std::int64_t first_position, const Shape& shape);
  Value reshape(Value x, const Shape& shape);

  /// Labels the operations added from here on.
  void set_label(std::string label) { label_ = std::move(label); }

  const std::vector<Node>& nodes() const noexcept { return nodes_; }
  const Node& node(Value value) const { return nodes_.at(static_cast<std::size_t>(value.index)); }
  const Shape& shape(Value value) const { return node(value).shape; }
  const std::vector<std::pair<std::string, Value>>& inputs() const noexcept { return inputs_; }
  const std::vector<std::pair<std::string, Value>>& outputs() const noexcept { return outputs_; }

 private:
  Value append(OperationKind kind, std::vector<Value> inputs, Attributes attributes,
               const Shape& shape);
  [[noreturn]] void reject(OperationKind kind, const std::string& reason) const;
  void check_vector(OperationKind kind, Value value, std::int64_t size, const char* what) const;
  Value binary(OperationKind kind, Value a, Value b);

  std::vector<Node> nodes_;
  std::vector<std::pair<std::string, Value>> inputs_;
  std::vector<std::pair<std::string, Value>> outputs_;
  std::string label_;
};

}  // namespace metalaudio::nn
