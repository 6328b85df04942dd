#include <metalaudio/nn/cuda/steps/conv_geometry.h>

#include <utility>

namespace metalaudio::nn::cuda {

namespace {

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

ConvAxis forward(const SlidingAxis& axis, std::int64_t in) {
  const std::int64_t out = axis.output_extent(in);
  return {in, out, axis.kernel, axis.kernel, out, axis.stride, -axis.before, axis.dilation, 1, 0};
}

ConvAxis transposed(const TransposeAxis& axis, std::int64_t in) {
  if (axis.extent == 0) return {in, 0, axis.kernel, axis.kernel, 0, 1, 0, -1, 1, 0};
  const std::int64_t first = floor_div(axis.crop, axis.stride);
  const std::int64_t last = floor_div(axis.crop + axis.extent - 1, axis.stride);
  return {in,
          axis.extent,
          axis.kernel,
          (axis.kernel + axis.stride - 1) / axis.stride,
          last - first + 1,
          1,
          first,
          -axis.dilation,
          axis.stride,
          axis.stride * first - axis.crop};
}

bool trivial(const ConvAxis& axis) {
  return axis.kernel == 1 && axis.stride == 1 && axis.start == 0 && axis.phases == 1 &&
         axis.in == axis.out;
}

}  // namespace

std::optional<ConvGeometry> geometry_of(const Graph& graph, const Node& node) {
  const Shape& x = graph.shape(node.inputs[Conv::x]);
  ConvGeometry found;
  found.in = x.back();
  found.out = graph.shape(node.inputs[Conv::weight])[0];
  std::vector<ConvAxis> axes;
  const auto* conv = std::get_if<Conv>(&node.operation);
  const auto* transpose = std::get_if<ConvTranspose>(&node.operation);
  const std::size_t count = conv != nullptr ? conv->axes.size() : transpose->axes.size();
  found.groups = conv != nullptr ? conv->groups : transpose->groups;
  const std::size_t before = x.rank() - 1 - count;
  for (std::size_t i = 0; i < before; ++i) found.batch *= x[i];
  for (std::size_t i = 0; i < count; ++i) {
    axes.push_back(conv != nullptr ? forward(conv->axes[i], x[before + i])
                                   : transposed(transpose->axes[i], x[before + i]));
    if (transpose != nullptr && transpose->axes[i].stride > 1 && transpose->axes[i].dilation > 1) {
      return std::nullopt;
    }
  }
  // Axes in front along which nothing slides are part of the batch.
  while (!axes.empty() && trivial(axes.front()) && (axes.size() > 2 || axes.front().in == 1)) {
    found.batch *= axes.front().in;
    axes.erase(axes.begin());
  }
  if (axes.size() > 2) return std::nullopt;
  if (axes.empty()) {
    // A linear layer: every row of the batch is a position.
    ConvAxis rows;
    rows.in = rows.out = rows.rows = found.batch;
    found.batch = 1;
    axes.push_back(rows);
  }
  while (axes.size() < 2) axes.insert(axes.begin(), ConvAxis{});
  found.axes = std::move(axes);
  return found;
}

std::optional<ResidualSteps> residual_steps(const ConvGeometry& geometry, const Shape& residual,
                                            const Shape& result) {
  const std::int64_t channels = result.back();
  const std::int64_t extent0 = geometry.axes[0].out;
  const std::int64_t extent1 = geometry.axes[1].out;
  if (residual == result) {
    return ResidualSteps{channels * extent1 * extent0, channels * extent1, channels};
  }
  // Where it repeats, its axes must be those that the kernel walks.
  const auto extent = [](const Shape& shape, std::size_t from_end) {
    return shape.rank() >= from_end ? shape[shape.rank() - from_end] : 1;
  };
  if (residual.rank() > result.rank() || residual.rank() == 0 || residual.back() != channels ||
      extent(result, 2) != extent1 || extent(result, 3) != extent0) {
    return std::nullopt;
  }
  const std::int64_t mine1 = extent(residual, 2);
  const std::int64_t mine0 = extent(residual, 3);
  const bool whole_batch = residual.size() == mine0 * mine1 * channels;
  if ((mine1 != 1 && mine1 != extent1) || (mine0 != 1 && mine0 != extent0) || !whole_batch) {
    return std::nullopt;
  }
  return ResidualSteps{0, mine0 == 1 ? 0 : channels * mine1, mine1 == 1 ? 0 : channels};
}

}  // namespace metalaudio::nn::cuda
