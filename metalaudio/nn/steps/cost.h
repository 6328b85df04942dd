#pragma once

#include <metalaudio/nn/backend.h>

namespace metalaudio::nn {

/// What one run of an operation takes by itself, on whatever device: two operations for every
/// product, and every value and weight touched once.
StepCost cost_of(const Graph& graph, const Node& node);

}  // namespace metalaudio::nn
