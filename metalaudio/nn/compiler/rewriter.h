#pragma once

#include <metalaudio/nn/graph/graph.h>

#include <vector>

namespace metalaudio::nn {

/// Copies a graph into a new one, node by node, for passes that change something on the way. Names
/// and order of inputs, outputs and states stay.
class Rewriter {
 public:
  /// Copies the inputs and states; constants are copied where they are first used.
  explicit Rewriter(const Graph& from);

  Graph& graph() noexcept { return to_; }
  /// The value of the new graph that stands for one of the old.
  Value map(Value old);
  void set(Value old, Value now) { map_[static_cast<std::size_t>(old.index)] = now; }
  /// Adds a node of the old graph to the new one as it is.
  void copy(const Node& node);
  /// Labels and places what is added next as the node is.
  void follow(const Node& node);
  /// Adds outputs and updates of states; the rewriter is used up.
  Graph finish();

 private:
  const Graph& from_;
  Graph to_;
  std::vector<Value> map_;
};

/// Which nodes an output or a state needs.
std::vector<bool> needed_nodes(const Graph& graph);

}  // namespace metalaudio::nn
