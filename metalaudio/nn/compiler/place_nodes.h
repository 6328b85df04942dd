#pragma once

#include <metalaudio/nn/backend.h>

#include <memory>
#include <span>
#include <vector>

namespace metalaudio::nn {

/// Whether an operation only gives its input another name: a reshape, or the identity. No backend
/// sees one.
bool is_alias(const Operation& operation) noexcept;

/// The number of the backend that runs each node: the one that the node names, otherwise the first
/// that takes it; -1 for aliases and for nodes that nothing needs.
/// Errors:   throws Error{unsupported} that names every node that cannot be placed, with the
///           reasons, and Error{invalid_argument} on a place that does not exist.
std::vector<int> place_nodes(const Graph& graph,
                             std::span<const std::shared_ptr<const Backend>> backends);

}  // namespace metalaudio::nn
