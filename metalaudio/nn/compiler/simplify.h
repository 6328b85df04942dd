#pragma once

#include <metalaudio/nn/graph/graph.h>

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace metalaudio::nn {

constexpr std::size_t kAnyMemory = std::numeric_limits<std::size_t>::max();

/// The results of one operation on constants, computed on the CPU, within a limit as a plan's.
std::vector<Tensor> evaluate(const Operation& operation,
                             std::span<const std::shared_ptr<const Tensor>> inputs,
                             std::size_t limit_bytes);

/// The same graph with what depends on constants alone computed, and without what nothing needs.
/// Errors: throws Error{out_of_memory} where all of it together is more than the limit.
Graph fold_constants(const Graph& graph, std::size_t limit_bytes = kAnyMemory);

/// The same graph with its transposes moved behind what does not care for the order of axes
/// (element-wise operations, pads, slices, concatenations, softmax), where they meet their inverses
/// and vanish; one that only moves axes of extent 1 becomes a reshape.
Graph cancel_transposes(const Graph& graph);

/// The same graph with transposed convolutions of stride 1 as convolutions, for which backends have
/// more kernels.
Graph forward_convolutions(const Graph& graph);

}  // namespace metalaudio::nn
