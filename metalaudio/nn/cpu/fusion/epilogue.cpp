#include <metalaudio/nn/cpu/fusion/epilogue.h>

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

ConvPlan plan_conv(Matcher& matcher, int index, bool fuse) {
  const Node& node = matcher.node(index);
  const auto* conv = std::get_if<Conv>(&node.operation);
  const std::size_t axes =
      conv != nullptr ? conv->axes.size() : std::get<ConvTranspose>(node.operation).axes.size();
  ConvPlan made{{&node, {}}, {}};
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
  const Value residual = made.parts.epilogue.residual;
  plan.inputs = {node.inputs[0], residual};
  plan.results = {y};
  plan.cost = cost_of(matcher.graph(), node, y, residual, conv == nullptr);
  return made;
}

}  // namespace metalaudio::nn::cpu
