#pragma once

#include <metalaudio/nn/graph/graph.h>

#include <span>
#include <vector>

namespace metalaudio::nn {

/// The nodes placed on a backend and who reads what: what patterns are matched against.
class Matcher {
 public:
  Matcher(const Graph& graph, std::span<const int> nodes);

  const Graph& graph() const noexcept { return graph_; }
  const Node& node(int index) const { return graph_.nodes()[static_cast<std::size_t>(index)]; }
  bool taken(int node) const { return taken_[static_cast<std::size_t>(node)]; }
  void take(int node) { taken_[static_cast<std::size_t>(node)] = true; }

  /// The nodes that read a value, in order, one that reads it twice two times; -1: it leaves the graph.
  std::span<const int> consumers(Value value) const {
    return consumers_[static_cast<std::size_t>(value.index)];
  }
  /// Whether a node may be fused: it is placed here and free.
  bool free(int node) const {
    return node >= 0 && here_[static_cast<std::size_t>(node)] && !taken(node);
  }

  /// The node that alone reads a value, once, if it may be fused: it is placed here and free, and
  /// the value leaves the graph nowhere. -1 otherwise.
  int sole_consumer(Value value) const;

  /// The sole consumer, where it is this operation; null otherwise.
  template <typename Operation>
  const Operation* next(Value value, int* node) const {
    *node = sole_consumer(value);
    return *node < 0 ? nullptr : std::get_if<Operation>(&this->node(*node).operation);
  }

 private:
  const Graph& graph_;
  std::vector<std::vector<int>> consumers_;  ///< by value
  std::vector<bool> here_;
  std::vector<bool> taken_;
};

/// Whether a constant is one factor per channel: [channels], or the same behind axes of extent 1.
bool is_per_channel(const Graph& graph, Value value, std::int64_t channels);

}  // namespace metalaudio::nn
