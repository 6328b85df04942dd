#include <metalaudio/nn/compiler/minimum_cut.h>

#include <algorithm>

namespace metalaudio::nn {

namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

}  // namespace

int MinimumCut::add_vertex() {
  edges_of_.emplace_back();
  return static_cast<int>(edges_of_.size()) - 1;
}

void MinimumCut::add_edge(int from, int to, std::int64_t capacity) {
  edges_of_[at(from)].push_back(static_cast<int>(edges_.size()));
  edges_.push_back({to, capacity});
  edges_of_[at(to)].push_back(static_cast<int>(edges_.size()));
  edges_.push_back({from, 0});
}

bool MinimumCut::find_levels(int source, int sink) {
  level_.assign(edges_of_.size(), -1);
  level_[at(source)] = 0;
  std::vector<int> open{source};
  for (std::size_t i = 0; i < open.size(); ++i) {
    for (const int index : edges_of_[at(open[i])]) {
      const Edge& edge = edges_[at(index)];
      if (edge.left == 0 || level_[at(edge.to)] >= 0) continue;
      level_[at(edge.to)] = level_[at(open[i])] + 1;
      open.push_back(edge.to);
    }
  }
  return level_[at(sink)] >= 0;
}

std::int64_t MinimumCut::push(int vertex, int sink, std::int64_t most) {
  if (vertex == sink) return most;
  for (std::size_t& i = next_[at(vertex)]; i < edges_of_[at(vertex)].size(); ++i) {
    const int index = edges_of_[at(vertex)][i];
    Edge& edge = edges_[at(index)];
    if (edge.left == 0 || level_[at(edge.to)] != level_[at(vertex)] + 1) continue;
    const std::int64_t pushed = push(edge.to, sink, std::min(most, edge.left));
    if (pushed == 0) continue;
    edge.left -= pushed;
    edges_[at(index ^ 1)].left += pushed;
    return pushed;
  }
  return 0;
}

std::vector<bool> MinimumCut::source_side(int source, int sink) {
  while (find_levels(source, sink)) {
    next_.assign(edges_of_.size(), 0);
    while (push(source, sink, kNever) > 0) {
    }
  }
  std::vector<bool> side(level_.size());
  std::transform(level_.begin(), level_.end(), side.begin(), [](int level) { return level >= 0; });
  return side;
}

}  // namespace metalaudio::nn
