#pragma once

#include <metalaudio/nn/backend.h>

#include <functional>
#include <memory>

namespace metalaudio::nn::cpu {

/// How a node of a graph becomes a step when nothing is fused with it.
using PlanOne = std::function<StepPlan(const Graph& graph, int node)>;

/// A node whose floating types no step takes, planned as the same node of float32 between
/// conversions of what it reads and makes.
StepPlan plan_in_float32(const Graph& graph, int node, const PlanOne& plan_one);

}  // namespace metalaudio::nn::cpu
