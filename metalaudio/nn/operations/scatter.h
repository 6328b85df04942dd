#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>

namespace metalaudio::nn {

/// What becomes of the value that an update meets; none replaces it, in the order of the updates.
enum class ScatterReduction { none, add, multiply, minimum, maximum };

/// torch.scatter and scatter_reduce: y = x, then y[indices[i][j]][j] = updates[i][j] for axis 0.
/// Indices as for Gather.
struct ScatterElements {
  static constexpr std::string_view kName = "scatter_elements";
  static constexpr std::array kInputs{Role::data, Role::data, Role::data};
  enum Index { x, indices, updates };

  std::int64_t axis = 0;
  ScatterReduction reduction = ScatterReduction::none;

  ValueTypes infer(const Inputs& inputs) const;
};

/// ONNX ScatterND: y = x, then y[indices[i]] = updates[i], where the last axis of the indices holds
/// positions along the first axes of x.
/// Shapes:   x[d…][rest…], indices[any…][n ≤ axes], updates[any…][rest…] -> as x.
struct ScatterNd {
  static constexpr std::string_view kName = "scatter_nd";
  static constexpr std::array kInputs{Role::data, Role::data, Role::data};
  enum Index { x, indices, updates };

  ScatterReduction reduction = ScatterReduction::none;

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
