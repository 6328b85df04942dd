#pragma once

#include <metalaudio/core/tensor.h>
#include <metalaudio/nn/graph/constant.h>
#include <metalaudio/nn/graph/value.h>
#include <metalaudio/nn/operations/operation.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace metalaudio::nn {

/// One operation of a graph, with the values that it reads and makes.
struct Node {
  Operation operation;
  std::vector<Value> inputs = {};
  std::vector<Value> results = {};
  std::string label = {};         ///< where it stands in the model, for reports and errors
  std::optional<int> place = {};  ///< the backend that is to run it, by its number in PlanOptions
};

enum class ValueKind { input, constant, state, result };

struct ValueInfo {
  ValueType type = {};
  ValueKind kind = ValueKind::result;
  int node = -1;           ///< that makes it; -1: no node does
  Constant constant = {};  ///< of a constant; of a state, its initial value
};

/// A value that one run leaves to the next: read as `value`, and replaced by `next` after the run.
struct GraphState {
  std::string name = {};
  Value value = {};
  Value next = {};
};

/// A network as a list of operations with static shapes, in an order in which they may run.
/// Errors:   everything throws Error{invalid_argument}, with the operation's name and label.
/// Threads:  built by one thread; then a constant.
class Graph {
 public:
  Value input(std::string name, const Shape& shape, DataType type = DataType::f32);
  Value constant(Tensor tensor);
  Value constant(std::shared_ptr<const Tensor> tensor);
  /// One that is made later is not looked at while shapes are inferred.
  Value constant(Constant constant);
  /// Zero at first, unless told otherwise; until update() names what replaces it, it stays so.
  Value state(std::string name, const Shape& shape, DataType type = DataType::f32);
  Value state(std::string name, Tensor initial);
  void update(Value state, Value next);
  void output(std::string name, Value value);

  /// Adds an operation with one result. Inputs in the order of its roles; optional ones at the end
  /// may be left out, others are Value{}.
  Value apply(Operation operation, std::vector<Value> inputs);
  /// The same for any number of results.
  std::vector<Value> apply_all(Operation operation, std::vector<Value> inputs);

  /// Labels the operations added from here on.
  void set_label(std::string label) { label_ = std::move(label); }
  /// The backend of the operations added from here on; nothing: the plan decides.
  void set_place(std::optional<int> place) { place_ = place; }

  const std::vector<Node>& nodes() const noexcept { return nodes_; }
  const std::vector<ValueInfo>& values() const noexcept { return values_; }
  const ValueInfo& info(Value value) const {
    return values_.at(static_cast<std::size_t>(value.index));
  }
  const ValueType& type(Value value) const { return info(value).type; }
  const Shape& shape(Value value) const { return info(value).type.shape; }
  bool is_constant(Value value) const {
    return value.present() && info(value).kind == ValueKind::constant;
  }
  const std::vector<std::pair<std::string, Value>>& inputs() const noexcept { return inputs_; }
  const std::vector<std::pair<std::string, Value>>& outputs() const noexcept { return outputs_; }
  const std::vector<GraphState>& states() const noexcept { return states_; }

 private:
  Value append(ValueInfo info);
  void check_name(const std::vector<std::pair<std::string, Value>>& ports, const std::string& name,
                  const char* what) const;
  ValueTypes check(const Operation& operation, std::span<const Value> inputs) const;

  std::vector<Node> nodes_;
  std::vector<ValueInfo> values_;
  std::vector<std::pair<std::string, Value>> inputs_;
  std::vector<std::pair<std::string, Value>> outputs_;
  std::vector<GraphState> states_;
  std::string label_;
  std::optional<int> place_;
};

}  // namespace metalaudio::nn
