#pragma once

#include <metalaudio/nn/cpu/cpu_step.h>

namespace metalaudio::nn::cpu {

/// By axis, the index of x that every index of the result shows; -1: the fill.
using IndexMaps = std::vector<std::vector<std::int64_t>>;

/// Those of source(axis, index), where each axis of the result shows an axis of x.
template <typename Source>
IndexMaps index_maps(std::span<const std::int64_t> extents, StepMaker& maker, Source&& source) {
  std::size_t indices = 0;
  for (const std::int64_t extent : extents) indices += static_cast<std::size_t>(extent);
  maker.will_keep(indices * sizeof(std::int64_t));
  IndexMaps maps(extents.size());
  for (std::size_t axis = 0; axis < maps.size(); ++axis) {
    maps[axis].resize(static_cast<std::size_t>(extents[axis]));
    for (std::int64_t i = 0; i < extents[axis]; ++i) {
      maps[axis][static_cast<std::size_t>(i)] = source(axis, i);
    }
  }
  return maps;
}

/// y[i][j] = x[maps[0][i]][maps[1][j]], or `fill` where a map has -1.
std::unique_ptr<Step> make_index_map(const Node& node, IndexMaps maps, double fill,
                                     StepMaker& maker);

}  // namespace metalaudio::nn::cpu
