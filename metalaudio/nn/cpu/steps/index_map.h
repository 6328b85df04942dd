#pragma once

#include <metalaudio/nn/cpu/cpu_step.h>

namespace metalaudio::nn::cpu {

/// By axis, the index of x that every index of the result shows; -1: the fill.
using IndexMaps = std::vector<std::vector<std::int64_t>>;

/// y[i][j] = x[maps[0][i]][maps[1][j]], or `fill` where a map has -1.
std::unique_ptr<Step> make_index_map(const Node& node, IndexMaps maps, double fill,
                                     StepMaker& maker);

}  // namespace metalaudio::nn::cpu
