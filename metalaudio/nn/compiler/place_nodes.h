#pragma once

#include <metalaudio/nn/backend.h>
#include <metalaudio/nn/plan_options.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace metalaudio::nn {

/// Whether an operation only gives its input another name: a reshape, or the identity. No backend
/// sees one.
bool is_alias(const Operation& operation) noexcept;

/// The number of the backend that runs each node; -1 for aliases and for nodes that nothing needs.
struct Places {
  std::vector<int> places = {};
  std::string why = {};  ///< as in PlanReport::placement
};

/// Gives every node the backend that it names; those that name none, or one that does not take them,
/// as the options' placement says.
/// Errors:   throws Error{unsupported} that names every node that cannot be placed, with the
///           reasons, and Error{invalid_argument} on a place that does not exist.
Places place_nodes(const Graph& graph, std::span<const std::shared_ptr<const Backend>> backends,
                   const PlanOptions& options);

}  // namespace metalaudio::nn
