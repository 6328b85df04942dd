#pragma once

#include <metalaudio/core/shape.h>
#include <metalaudio/nn/cuda/kernels/walk.h>
#include <metalaudio/nn/steps/strides.h>

#include <array>

namespace metalaudio::nn::cuda {

using Steps = Strides;

inline Steps dense_steps(const Shape& shape) { return dense_strides(shape); }
/// Of an array repeated to `full`: 0 where it repeats.
inline Steps repeated_steps(const Shape& shape, const Shape& full) {
  return broadcast_strides(shape, full);
}

/// Neighbours that all arrays walk as one are one axis.
template <std::size_t N>
Walk<static_cast<int>(N)> walk_of(const Shape& shape, const std::array<Steps, N>& steps) {
  Walk<static_cast<int>(N)> walk;
  walk.size = shape.size();
  std::size_t axes = 0;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    const std::int64_t extent = shape[axis];
    if (extent == 1) continue;
    bool continues = axes > 0;
    for (std::size_t n = 0; continues && n < N; ++n) {
      continues = walk.steps[n][axes - 1] == steps[n][axis] * extent;
    }
    if (continues) {
      walk.extents[axes - 1] *= extent;
    } else {
      walk.extents[axes++] = extent;
    }
    for (std::size_t n = 0; n < N; ++n) walk.steps[n][axes - 1] = steps[n][axis];
  }
  if (axes == 0) {
    // One element, which lies densely.
    for (std::size_t n = 0; n < N; ++n) walk.steps[n][0] = 1;
    axes = 1;
  }
  walk.axes = static_cast<int>(axes);
  return walk;
}

}  // namespace metalaudio::nn::cuda
