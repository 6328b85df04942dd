#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>

namespace metalaudio::nn {

// Indices are i32 or i64; negative ones count from the end. One that is out of range is rejected
// where it is constant, and taken for the nearest that is there when the graph runs.

/// numpy.take along one axis: the axis is replaced by those of the indices.
struct Gather {
  static constexpr std::string_view kName = "gather";
  static constexpr std::array kInputs{Role::data, Role::data};
  enum Index { x, indices };

  std::int64_t axis = 0;

  ValueTypes infer(const Inputs& inputs) const;
};

/// torch.gather: y[i][j] = x[indices[i][j]][j] for axis 0.
struct GatherElements {
  static constexpr std::string_view kName = "gather_elements";
  static constexpr std::array kInputs{Role::data, Role::data};
  enum Index { x, indices };

  std::int64_t axis = 0;

  ValueTypes infer(const Inputs& inputs) const;
};

/// ONNX GatherND: the last axis of the indices holds positions along the axes after the first
/// `batch_axes`, which x and the indices share.
/// Shapes:   x[batch…][d…][rest…], indices[batch…][any…][n ≤ axes of d] -> [batch…][any…][rest…].
struct GatherNd {
  static constexpr std::string_view kName = "gather_nd";
  static constexpr std::array kInputs{Role::data, Role::data};
  enum Index { x, indices };

  std::size_t batch_axes = 0;

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
