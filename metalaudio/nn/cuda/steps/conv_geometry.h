#pragma once

#include <metalaudio/nn/graph/graph.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace metalaudio::nn::cuda {

/// One of the two axes that the kernel walks.
struct ConvAxis {
  std::int64_t in = 1;
  std::int64_t out = 1;
  std::int64_t kernel = 1;  ///< of the weight as it is stored
  std::int64_t taps = 1;    ///< that one result of a phase reads
  std::int64_t rows = 1;    ///< of the product
  std::int64_t stride = 1;  ///< of a row in the input
  std::int64_t start = 0;
  std::int64_t step = 1;    ///< from tap to tap in the input, with its sign
  std::int64_t phases = 1;  ///< results per row
  std::int64_t shift = 0;   ///< of a row's first result

  /// Which tap of the weight a phase reads as its `tap`th; none where it is beyond the kernel.
  std::optional<std::int64_t> weight_tap(std::int64_t phase, std::int64_t tap) const {
    const std::int64_t index = phases == 1 ? tap : phase + phases * tap;
    return index < kernel ? std::optional(index) : std::nullopt;
  }
};

/// A convolution as the kernel sees it, and the shape of its weight.
struct ConvGeometry {
  std::int64_t batch = 1;
  std::vector<ConvAxis> axes;  ///< two
  std::int64_t in = 1;
  std::int64_t out = 1;
  std::int64_t groups = 1;
};

/// Of a Conv or ConvTranspose; nothing where it does not fit into two axes.
std::optional<ConvGeometry> geometry_of(const Graph& graph, const Node& node);

/// What a value adds to the result: its steps along the batch and both axes, 0 where it repeats.
struct ResidualSteps {
  std::int64_t batch = 0;
  std::int64_t along0 = 0;
  std::int64_t along1 = 0;
};

/// Nothing where the kernel cannot walk it.
std::optional<ResidualSteps> residual_steps(const ConvGeometry& geometry, const Shape& residual,
                                            const Shape& result);

}  // namespace metalaudio::nn::cuda
