#pragma once

#include <metalaudio/nn/backend.h>

#include <memory>
#include <span>

namespace metalaudio::nn {

/// Gives the float32 values between the nodes of a backend the type in which it wants them, with
/// casts where values come from elsewhere or go there. Weights keep their type: backends pack them
/// as they need. places: of the nodes, as place_nodes() gives them; those of the new graph name
/// theirs.
Graph narrow_values(const Graph& graph, std::span<const std::shared_ptr<const Backend>> backends,
                    std::span<const int> places);

}  // namespace metalaudio::nn
