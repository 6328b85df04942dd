#include <metalaudio/core/error.h>
#include <metalaudio/nn/compiler/least_time.h>
#include <metalaudio/nn/compiler/place_nodes.h>
#include <metalaudio/nn/compiler/rewriter.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace metalaudio::nn {

namespace {

using Backends = std::span<const std::shared_ptr<const Backend>>;

/// What takes a node: reasons of the backends that do not.
struct Candidates {
  Candidates(const Graph& graph, const Node& node, Backends backends) {
    for (const auto& backend : backends) reasons.push_back(backend->refusal(graph, node));
  }

  bool takes(int place) const { return reasons[static_cast<std::size_t>(place)].empty(); }
  /// -1: none does.
  int first() const {
    const auto found =
        std::find_if(reasons.begin(), reasons.end(), [](const auto& r) { return r.empty(); });
    return found == reasons.end() ? -1 : static_cast<int>(found - reasons.begin());
  }

  std::vector<std::string> reasons;
};

/// The first backend without and the first with memory of its own; nothing without both.
std::optional<Sides> sides_of(Backends backends) {
  const auto find = [&](bool device) {
    const auto found = std::find_if(backends.begin(), backends.end(), [&](const auto& backend) {
      return (backend->device() != nullptr) == device;
    });
    return found == backends.end() ? -1 : static_cast<int>(found - backends.begin());
  };
  const Sides sides{find(false), find(true)};
  return sides.cpu < 0 || sides.gpu < 0 ? std::nullopt : std::optional(sides);
}

std::string choose(const Graph& graph, Backends backends, Sides sides, const PlanOptions& options,
                   const std::vector<std::optional<int>>& decided, std::vector<int>& places) {
  const TimeModel model(graph, backends, sides, decided, options);
  places = model.least();
  const auto microseconds = [&](const std::vector<int>& at) {
    return static_cast<double>(model.nanoseconds(at)) * 1e-3;
  };
  const auto name = [&](int side) { return backends[static_cast<std::size_t>(side)]->name(); };
  return fmt::format(
      "automatic: {} operations on {}, {} on {}: {:.1f} us by the figures; as many as possible on "
      "{}: {:.1f} us, on {}: {:.1f} us\n",
      std::count(places.begin(), places.end(), sides.gpu), name(sides.gpu),
      std::count(places.begin(), places.end(), sides.cpu), name(sides.cpu), microseconds(places),
      name(sides.gpu), microseconds(model.all_on(sides.gpu)), name(sides.cpu),
      microseconds(model.all_on(sides.cpu)));
}

}  // namespace

bool is_alias(const Operation& operation) noexcept {
  const auto* unary = std::get_if<Unary>(&operation);
  return std::holds_alternative<Reshape>(operation) ||
         (unary != nullptr && unary->function == UnaryFunction::identity);
}

Places place_nodes(const Graph& graph, Backends backends, const PlanOptions& options) {
  const std::vector<bool> needed = needed_nodes(graph);
  const auto count = static_cast<int>(backends.size());
  const std::optional<Sides> sides =
      options.placement == Placement::automatic ? sides_of(backends) : std::nullopt;
  std::vector<std::optional<int>> decided(graph.nodes().size(), -1);
  Places result;
  std::string trouble;
  std::string refused;
  for (std::size_t i = 0; i < decided.size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (!needed[i] || is_alias(node.operation)) continue;
    if (node.place && (*node.place < 0 || *node.place >= count)) {
      fail(ErrorCode::invalid_argument, "[nn::Plan] {} ({}) is placed on backend {} of {}",
           name_of(node.operation), node.label, *node.place, count);
    }
    const Candidates candidates(graph, node, backends);
    std::string reasons;
    for (int place = 0; place < count; ++place) {
      if (candidates.takes(place)) continue;
      reasons += fmt::format("{} ({}): {}: {}\n", name_of(node.operation), node.label,
                             backends[static_cast<std::size_t>(place)]->name(),
                             candidates.reasons[static_cast<std::size_t>(place)]);
    }
    decided[i] = candidates.first();
    (decided[i] == -1 ? trouble : refused) += reasons;
    if (node.place && candidates.takes(*node.place)) {
      decided[i] = node.place;
    } else if (sides && candidates.takes(sides->cpu) && candidates.takes(sides->gpu)) {
      decided[i] = std::nullopt;
    }
  }
  if (!trouble.empty()) {
    trouble.pop_back();
    fail(ErrorCode::unsupported, "[nn::Plan] what cannot run here:\n{}", trouble);
  }
  if (sides) {
    result.why = choose(graph, backends, *sides, options, decided, result.places);
  } else {
    for (const auto& place : decided) result.places.push_back(*place);
  }
  result.why += refused;
  return result;
}

}  // namespace metalaudio::nn
