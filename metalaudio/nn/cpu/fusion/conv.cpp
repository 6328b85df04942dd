#include <metalaudio/nn/cpu/fusion/patterns.h>
#include <metalaudio/nn/cpu/gemm/gemm_half.h>
#include <metalaudio/nn/cpu/steps/conv.h>
#include <metalaudio/nn/cpu/steps/narrow_conv.h>

namespace metalaudio::nn::cpu {

namespace {

/// Gathers what stands behind a convolution, as long as the kernels can do it on the way out.
class Epilogue {
 public:
  Epilogue(Matcher& matcher, int node, std::size_t axes, bool glu)
      : matcher_(matcher), axes_(axes), glu_(glu), y_(matcher.node(node).results[0]) {
    take(node);
    activation();
    gain();
    residual();
  }

  ConvEpilogue parts;
  std::string kind;
  std::vector<int> nodes;
  Value y() const noexcept { return y_; }

 private:
  void take(int node) {
    matcher_.take(node);
    nodes.push_back(node);
    y_ = matcher_.node(node).results[0];
  }

  void activation() {
    const int node = matcher_.sole_consumer(y_);
    if (node < 0) return;
    const std::optional<Activation> found = activation_of(matcher_.node(node).operation);
    if (!found || (*found == Activation::glu && !glu_)) return;
    parts.activation = *found;
    kind += fmt::format(" + {}", name_of(matcher_.node(node).operation));
    take(node);
  }

  void gain() {
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

  void residual() {
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

  Matcher& matcher_;
  std::size_t axes_;
  bool glu_;
  Value y_;
};

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

/// Float32 in tiles, where there are any and a row of positions, a window and the channels fill them:
/// nothing of it depends on how many rows or batches there are, so that they do not change results.
const GemmKernel& tiles_for(const GemmKernel& kernel, const Graph& graph, const Node& node) {
  const GemmKernel* tiles = fp32_tile_kernel();
  if (kernel.name() != "fp32" || tiles == nullptr) return kernel;
  const Shape& weight = graph.shape(node.inputs[1]);
  const Shape& y = graph.shape(node.results[0]);
  if (y.rank() < 2 || weight.size() == 0) return kernel;
  std::int64_t positions = y[y.rank() - 2];
  std::int64_t depth = static_cast<std::int64_t>(weight.size()) / weight[0];
  std::int64_t groups = 1;
  if (const auto* conv = std::get_if<Conv>(&node.operation)) {
    groups = conv->groups;
  } else {
    const auto& transposed = std::get<ConvTranspose>(node.operation);
    groups = transposed.groups;
    positions /= transposed.axes.back().stride;
    // Each phase has its share of the taps.
    for (const TransposeAxis& axis : transposed.axes) depth /= axis.stride;
  }
  const bool fills = groups == 1 && positions >= 64 && depth >= 48 && y.back() >= 32;
  return fills ? *tiles : kernel;
}

}  // namespace

std::optional<StepPlan> match_conv(Matcher& matcher, int index, const GemmKernel& usual, bool fuse,
                                   const ToleranceConfiguration& tolerances) {
  const Node& node = matcher.node(index);
  const auto* conv = std::get_if<Conv>(&node.operation);
  const auto* transposed = std::get_if<ConvTranspose>(&node.operation);
  if (conv == nullptr && transposed == nullptr) return std::nullopt;
  const std::size_t axes = conv != nullptr ? conv->axes.size() : transposed->axes.size();
  StepPlan plan;
  ConvEpilogue parts;
  Value y = node.results[0];
  plan.kind = conv == nullptr ? "conv_transpose" : axes == 0 ? "linear" : "conv";
  if (fuse) {
    const Epilogue epilogue(matcher, index, axes, conv != nullptr && conv->groups == 1);
    parts = epilogue.parts;
    y = epilogue.y();
    plan.kind += epilogue.kind;
    plan.nodes = epilogue.nodes;
  } else {
    matcher.take(index);
    plan.nodes = {index};
  }
  plan.inputs = {node.inputs[0], parts.residual};
  plan.results = {y};
  plan.cost = cost_of(matcher.graph(), node, y, parts.residual, transposed != nullptr);
  const GemmKernel& whole = kernel_for(usual, matcher.graph(), node, parts);
  // The narrow kernels multiply float32 alone.
  if (conv != nullptr && whole.name() == "fp32" &&
      is_narrow(matcher.graph(), *conv, node, parts, y, tolerances)) {
    plan.make = [&node, parts, y, tolerances](StepMaker& maker) {
      return make_narrow_conv(std::get<Conv>(node.operation), node, parts, y, tolerances, maker);
    };
    return plan;
  }
  const GemmKernel& kernel = tiles_for(whole, matcher.graph(), node);
  plan.make = [&kernel, &node, parts, y](StepMaker& maker) -> std::unique_ptr<Step> {
    if (const auto* forward = std::get_if<Conv>(&node.operation)) {
      return make_conv(kernel, *forward, node, parts, y, maker);
    }
    return make_conv_transpose(kernel, std::get<ConvTranspose>(node.operation), node, parts, y,
                               maker);
  };
  return plan;
}

}  // namespace metalaudio::nn::cpu
