#pragma once

#include <metalaudio/core/tensor.h>
#include <metalaudio/nn/graph/graph.h>

#include <map>
#include <span>
#include <string>
#include <vector>

namespace metalaudio::nn {

/// A number of a reference value. Its 64 bits of mantissa hold every integer type exactly, so that
/// one vector does for all types.
using Number = long double;

/// A value of the plain reference: floats are kept wider than they are in the graph, but become
/// infinite where their type does; 16-bit types are rounded, which is part of what they mean.
struct ReferenceValue {
  ValueType type = {};
  std::vector<Number> values = {};
};

/// In the order of an operation's roles; null where an optional input is absent.
using ReferenceInputs = std::vector<const ReferenceValue*>;

/// What one operation gives, in plain loops over indices.
std::vector<ReferenceValue> reference(const Operation& operation, const ReferenceInputs& inputs);

ReferenceValue reference_value(const ConstTensorView& view);
/// Rounded to the type and written as its elements.
void write(const ReferenceValue& value, const TensorView& view);

/// Runs a graph node by node, and keeps its states from run to run.
class ReferencePlan {
 public:
  explicit ReferencePlan(const Graph& graph);
  /// Outputs by name.
  std::map<std::string, ReferenceValue> run(const std::map<std::string, ReferenceValue>& inputs);
  void reset();

 private:
  const Graph& graph_;
  std::vector<ReferenceValue> values_;
  std::vector<ReferenceValue> states_;
};

}  // namespace metalaudio::nn
