#pragma once

#include <metalaudio/nn/graph/graph.h>

#include <map>
#include <string>
#include <vector>

namespace metalaudio::nn {

/// What every backend is measured against: a graph run operation by operation, in plain loops and
/// double precision, exactly as the operations are defined, without fusion.
/// Shapes: the values of inputs and outputs by name, row-major.
std::map<std::string, std::vector<double>> run_reference(
    const Graph& graph, const std::map<std::string, std::vector<double>>& inputs);

}  // namespace metalaudio::nn
