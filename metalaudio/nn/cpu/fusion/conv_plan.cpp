#include <metalaudio/nn/cpu/fusion/conv_plan.h>
#include <metalaudio/nn/cpu/gemm/gemm_half.h>

namespace metalaudio::nn::cpu {

namespace {

/// Two for every product, which the result's elements count, and the bytes of values and weights.
StepCost cost_of(const Graph& graph, const Node& node, Value y, Value residual, bool transposed) {
  const Shape& weight = graph.shape(node.inputs[1]);
  const double taps = static_cast<double>(weight.size()) / static_cast<double>(weight[0]);
  const double in = static_cast<double>(graph.shape(node.inputs[0]).size());
  const double out = static_cast<double>(graph.shape(node.results[0]).size());
  // A transposed convolution multiplies every input by every tap.
  const double products =
      transposed ? in / static_cast<double>(weight.back()) * static_cast<double>(weight.size())
                 : out * taps;
  double bytes = static_cast<double>(graph.type(node.inputs[0]).bytes() + graph.type(y).bytes() +
                                     graph.type(node.inputs[1]).bytes());
  if (residual.present()) bytes += static_cast<double>(graph.type(residual).bytes());
  return {2 * products, bytes};
}

/// The kernel that keeps a linear layer's weights as small as they are. A gain would have to be
/// rounded to them.
const GemmKernel& kernel_for(const GemmKernel& kernel, const Graph& graph, const Node& node,
                             const ConvEpilogue& parts) {
  const auto* conv = std::get_if<Conv>(&node.operation);
  const DataType type = graph.type(node.inputs[1]).type;
  const bool half = type == DataType::f16 || type == DataType::bf16;
  const bool linear = conv != nullptr && conv->axes.empty();
  return half && linear && kernel.name() == "fp32" && !parts.gain.present() ? gemm_half_kernel(type)
                                                                            : kernel;
}

/// Float32 in tiles, where a row of positions, a window and the channels fill them: nothing of it
/// depends on how many rows or batches there are, so that they do not change results.
const GemmKernel& tiles_for(const GemmKernel& kernel, const Graph& graph, const Node& node) {
  const Shape& weight = graph.shape(node.inputs[1]);
  const Shape& result = graph.shape(node.results[0]);
  if (kernel.name() != "fp32" || weight.size() == 0 || result.rank() < 2) return kernel;
  std::int64_t columns = weight[0];
  std::int64_t depth = static_cast<std::int64_t>(weight.size()) / columns;
  std::int64_t rows = result[result.rank() - 2];
  if (const auto* conv = std::get_if<Conv>(&node.operation)) {
    if (conv->groups != 1) return kernel;
  } else {
    const auto& transposed = std::get<ConvTranspose>(node.operation);
    if (transposed.groups != 1) return kernel;
    for (const TransposeAxis& axis : transposed.axes) {
      depth /= axis.stride;
      columns *= axis.stride;
    }
    rows /= transposed.axes.back().stride;
  }
  return float32_kernel(kernel,
                        {static_cast<std::size_t>(columns), static_cast<std::size_t>(depth), false},
                        static_cast<std::size_t>(rows));
}

}  // namespace

Epilogue::Epilogue(Matcher& matcher, int node, std::size_t axes, bool glu)
    : matcher_(matcher), axes_(axes), glu_(glu), y_(matcher.node(node).results[0]) {
  take(node);
  activation();
  gain();
  residual();
}

void Epilogue::take(int node) {
  matcher_.take(node);
  nodes.push_back(node);
  y_ = matcher_.node(node).results[0];
}

void Epilogue::activation() {
  const int node = matcher_.sole_consumer(y_);
  if (node < 0) return;
  const std::optional<Activation> found = activation_of(matcher_.node(node).operation);
  if (!found || (*found == Activation::glu && !glu_)) return;
  parts.activation = *found;
  kind += fmt::format(" + {}", name_of(matcher_.node(node).operation));
  take(node);
}

void Epilogue::gain() {
  int node = -1;
  const auto* binary = matcher_.next<Binary>(y_, &node);
  if (binary == nullptr || binary->function != BinaryFunction::multiply ||
      parts.activation != Activation::none) {
    return;
  }
  const Node& product = matcher_.node(node);
  const Value other = product.inputs[product.inputs[0] == y_ ? 1 : 0];
  const Shape& shape = matcher_.graph().shape(y_);
  if (other == y_ || matcher_.graph().shape(product.results[0]) != shape ||
      !is_per_channel(matcher_.graph(), other, shape.back())) {
    return;
  }
  parts.gain = other;
  kind += " + gain";
  take(node);
}

void Epilogue::residual() {
  int node = -1;
  const auto* binary = matcher_.next<Binary>(y_, &node);
  if (binary == nullptr || binary->function != BinaryFunction::add) return;
  const Node& sum = matcher_.node(node);
  const Value other = sum.inputs[sum.inputs[0] == y_ ? 1 : 0];
  const Shape& shape = matcher_.graph().shape(y_);
  if (other == y_ || matcher_.graph().shape(sum.results[0]) != shape ||
      !Residual::fits(matcher_.graph().shape(other), shape, axes_)) {
    return;
  }
  parts.residual = other;
  kind += " + residual";
  take(node);
}

ConvPlan plan_conv(Matcher& matcher, int index, const GemmKernel& usual, bool fuse) {
  const Node& node = matcher.node(index);
  const auto* conv = std::get_if<Conv>(&node.operation);
  const std::size_t axes =
      conv != nullptr ? conv->axes.size() : std::get<ConvTranspose>(node.operation).axes.size();
  ConvPlan made{{&node, {}, nullptr}, {}};
  StepPlan& plan = made.plan;
  Value y = node.results[0];
  plan.kind = conv == nullptr ? "conv_transpose" : axes == 0 ? "linear" : "conv";
  if (fuse) {
    const Epilogue epilogue(matcher, index, axes, conv != nullptr && conv->groups == 1);
    made.parts.epilogue = epilogue.parts;
    y = epilogue.y();
    plan.kind += epilogue.kind;
    plan.nodes = epilogue.nodes;
  } else {
    matcher.take(index);
    plan.nodes = {index};
  }
  const Graph& graph = matcher.graph();
  const GemmKernel& small = kernel_for(usual, graph, node, made.parts.epilogue);
  made.parts.kernel = &tiles_for(small, graph, node);
  const Value residual = made.parts.epilogue.residual;
  plan.inputs = {node.inputs[0], residual};
  plan.results = {y};
  plan.cost = cost_of(graph, node, y, residual, conv == nullptr);
  return made;
}

}  // namespace metalaudio::nn::cpu
