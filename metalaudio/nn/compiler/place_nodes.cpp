#include <metalaudio/core/error.h>
#include <metalaudio/nn/compiler/place_nodes.h>
#include <metalaudio/nn/compiler/rewriter.h>

#include <string>

namespace metalaudio::nn {

bool is_alias(const Operation& operation) noexcept {
  const auto* unary = std::get_if<Unary>(&operation);
  return std::holds_alternative<Reshape>(operation) ||
         (unary != nullptr && unary->function == UnaryFunction::identity);
}

std::vector<int> place_nodes(const Graph& graph,
                             std::span<const std::shared_ptr<const Backend>> backends) {
  const std::vector<bool> needed = needed_nodes(graph);
  std::vector<int> places(graph.nodes().size(), -1);
  std::string trouble;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (!needed[i] || is_alias(node.operation)) continue;
    const auto count = static_cast<int>(backends.size());
    if (node.place && (*node.place < 0 || *node.place >= count)) {
      fail(ErrorCode::invalid_argument, "[nn::Plan] {} ({}) is placed on backend {} of {}",
           name_of(node.operation), node.label, *node.place, count);
    }
    std::string reasons;
    const auto takes = [&](int place) {
      const Backend& backend = *backends[static_cast<std::size_t>(place)];
      const std::string reason = backend.refusal(graph, node);
      if (reason.empty()) {
        places[i] = place;
      } else {
        reasons += fmt::format("\n  {} ({}): {}: {}", name_of(node.operation), node.label,
                               backend.name(), reason);
      }
      return reason.empty();
    };
    bool placed = node.place && takes(*node.place);
    for (int place = 0; !placed && place < count; ++place) {
      if (place != node.place) placed = takes(place);
    }
    if (!placed) trouble += reasons;
  }
  if (!trouble.empty()) {
    fail(ErrorCode::unsupported, "[nn::Plan] what cannot run here:{}", trouble);
  }
  return places;
}

}  // namespace metalaudio::nn
