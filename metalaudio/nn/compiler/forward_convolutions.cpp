#include <metalaudio/nn/compiler/rewriter.h>
#include <metalaudio/nn/compiler/simplify.h>

#include <cstring>
#include <optional>

namespace metalaudio::nn {

namespace {

/// The convolution that a transposed one with strides of 1 is, over the kernel read backwards;
/// nothing where its ends are cropped by more than the kernel reaches beyond them.
std::optional<Conv> forward(const ConvTranspose& transposed, const Shape& x) {
  Conv conv{{}, transposed.groups};
  const std::size_t first = x.rank() - 1 - transposed.axes.size();
  for (std::size_t i = 0; i < transposed.axes.size(); ++i) {
    const TransposeAxis& axis = transposed.axes[i];
    const std::int64_t reach = axis.dilation * (axis.kernel - 1);
    const std::int64_t before = reach - axis.crop;
    const std::int64_t after = axis.extent - x[first + i] + axis.crop;
    if (axis.stride != 1 || axis.extent < 1 || before < 0 || after < 0) return std::nullopt;
    conv.axes.push_back({axis.kernel, 1, axis.dilation, before, after});
  }
  return conv;
}

/// weight[out][kernels…][in]: the kernels of all axes backwards are their elements backwards.
Tensor reversed(const Tensor& weight) {
  Tensor result(weight.shape(), weight.type());
  const auto outputs = static_cast<std::size_t>(weight.shape()[0]);
  const auto depth = static_cast<std::size_t>(weight.shape().back());
  if (weight.size() == 0) return result;
  const std::size_t taps = weight.size() / (outputs * depth);
  const std::size_t bytes = depth * size_of(weight.type());
  const auto* from = static_cast<const std::byte*>(weight.view().handle());
  auto* to = static_cast<std::byte*>(result.view().handle());
  for (std::size_t i = 0; i < outputs * taps; ++i) {
    const std::size_t source = i / taps * taps + taps - 1 - i % taps;
    std::memcpy(to + i * bytes, from + source * bytes, bytes);
  }
  return result;
}

}  // namespace

Graph forward_convolutions(const Graph& graph) {
  Rewriter rewriter(graph);
  for (const Node& node : graph.nodes()) {
    const auto* transposed = std::get_if<ConvTranspose>(&node.operation);
    const Value weight = transposed == nullptr ? Value{} : node.inputs[ConvTranspose::weight];
    const std::optional<Conv> conv =
        weight.present() && graph.is_constant(weight)
            ? forward(*transposed, graph.shape(node.inputs[ConvTranspose::x]))
            : std::nullopt;
    if (!conv) {
      rewriter.copy(node);
      continue;
    }
    rewriter.follow(node);
    const Value now = rewriter.graph().constant(reversed(*graph.info(weight).constant.tensor()));
    rewriter.set(node.results[0],
                 rewriter.graph().apply(*conv, {rewriter.map(node.inputs[ConvTranspose::x]), now,
                                                rewriter.map(node.inputs[ConvTranspose::bias])}));
  }
  return rewriter.finish();
}

}  // namespace metalaudio::nn
