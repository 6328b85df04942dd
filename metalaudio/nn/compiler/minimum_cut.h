#pragma once

#include <cstdint>
#include <vector>

namespace metalaudio::nn {

/// Cuts a network of capacities between a source and a sink where it costs least (Dinic 1970).
/// Threads:  one.
class MinimumCut {
 public:
  /// Of an edge that is never cut.
  static constexpr std::int64_t kNever = std::int64_t{1} << 60U;

  explicit MinimumCut(int vertices) : edges_of_(static_cast<std::size_t>(vertices)) {}
  int add_vertex();
  void add_edge(int from, int to, std::int64_t capacity);

  /// Which vertices stay with the source; of all least cuts, the one with fewest of them.
  std::vector<bool> source_side(int source, int sink);

 private:
  struct Edge {
    int to = 0;
    std::int64_t left =
        0;  ///< of the capacity; the edge back has the next number, or the one before
  };

  bool find_levels(int source, int sink);
  std::int64_t push(int vertex, int sink, std::int64_t most);

  std::vector<Edge> edges_;
  std::vector<std::vector<int>> edges_of_;  ///< by vertex
  std::vector<int> level_;                  ///< distance from the source; -1: out of reach
  std::vector<std::size_t> next_;           ///< edges before it lead nowhere any more
};

}  // namespace metalaudio::nn
