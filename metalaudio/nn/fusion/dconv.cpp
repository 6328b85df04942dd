#include <metalaudio/nn/fusion/dconv.h>

#include <utility>

namespace metalaudio::nn {

namespace {

/// A convolution along the last axis before the channels alone that keeps its extent.
bool keeps_positions(const Conv* conv, std::int64_t kernel) {
  if (conv == nullptr || conv->groups != 1) return false;
  for (std::size_t i = 0; i + 1 < conv->axes.size(); ++i) {
    const SlidingAxis& axis = conv->axes[i];
    if (axis.kernel != 1 || axis.stride != 1 || axis.before != 0 || axis.after != 0) return false;
  }
  if (conv->axes.empty()) return kernel == 1;
  const SlidingAxis& axis = conv->axes.back();
  return axis.kernel == kernel && axis.stride == 1 && axis.before == axis.after &&
         axis.before == axis.dilation * (kernel / 2);
}

bool is_row_norm(const GroupNorm* norm) {
  return norm != nullptr && norm->groups == 1 && norm->axes == 1 &&
         norm->algorithm == MomentsAlgorithm::standard;
}

/// All parts of a step that packs its weights must be constant.
bool all_constant(const Graph& graph, std::initializer_list<Value> values) {
  for (const Value value : values) {
    if (!graph.is_constant(value)) return false;
  }
  return true;
}

}  // namespace

std::optional<DConvMatch> find_dconv(const Matcher& matcher, int index) {
  const Graph& graph = matcher.graph();
  const Node& conv1 = matcher.node(index);
  const auto* conv = std::get_if<Conv>(&conv1.operation);
  if (!keeps_positions(conv, 3)) return std::nullopt;
  std::vector<int> nodes{index};
  int next = 0;
  const auto result = [&] { return matcher.node(nodes.back()).results[0]; };
  const auto* norm1 = matcher.next<GroupNorm>(result(), &next);
  if (!is_row_norm(norm1)) return std::nullopt;
  nodes.push_back(next);
  const auto* gelu = matcher.next<Unary>(result(), &next);
  if (gelu == nullptr || gelu->function != UnaryFunction::gelu) return std::nullopt;
  nodes.push_back(next);
  if (!keeps_positions(matcher.next<Conv>(result(), &next), 1)) return std::nullopt;
  nodes.push_back(next);
  const auto* norm2 = matcher.next<GroupNorm>(result(), &next);
  if (!is_row_norm(norm2)) return std::nullopt;
  nodes.push_back(next);
  if (matcher.next<Glu>(result(), &next) == nullptr) return std::nullopt;
  nodes.push_back(next);
  const std::int64_t channels = graph.shape(result()).back();
  const auto* product = matcher.next<Binary>(result(), &next);
  if (product == nullptr || product->function != BinaryFunction::multiply) return std::nullopt;
  const Node& gain = matcher.node(next);
  const Value factor = gain.inputs[gain.inputs[0] == result() ? 1 : 0];
  if (!is_per_channel(graph, factor, channels)) return std::nullopt;
  nodes.push_back(next);
  const auto* addition = matcher.next<Binary>(result(), &next);
  if (addition == nullptr || addition->function != BinaryFunction::add) return std::nullopt;
  const Node& sum = matcher.node(next);
  const Value x = conv1.inputs[Conv::x];
  if (sum.inputs[sum.inputs[0] == result() ? 1 : 0] != x) return std::nullopt;
  // A residual that repeats an x of one channel is larger than x.
  if (graph.shape(sum.results[0]) != graph.shape(x)) return std::nullopt;
  nodes.push_back(next);

  const Node& n1 = matcher.node(nodes[1]);
  const Node& conv2 = matcher.node(nodes[3]);
  const Node& n2 = matcher.node(nodes[4]);
  if (!all_constant(graph, {conv1.inputs[1], conv1.inputs[2], n1.inputs[1], n1.inputs[2],
                            conv2.inputs[1], conv2.inputs[2], n2.inputs[1], n2.inputs[2]})) {
    return std::nullopt;
  }
  const DConvParts parts{x,
                         conv1.inputs[1],
                         conv1.inputs[2],
                         n1.inputs[1],
                         n1.inputs[2],
                         conv2.inputs[1],
                         conv2.inputs[2],
                         n2.inputs[1],
                         n2.inputs[2],
                         factor,
                         conv->axes.back().dilation,
                         norm1->epsilon,
                         norm2->epsilon};
  return DConvMatch{parts, std::move(nodes), sum.results[0]};
}

StepPlan plan_dconv(const Graph& graph, const DConvMatch& match) {
  const auto hidden = static_cast<double>(graph.shape(match.parts.bias1).size());
  const auto size = static_cast<double>(graph.shape(match.parts.x).size());
  StepPlan plan{"dconv", match.nodes, {match.parts.x}, {match.y}, {}, {}};
  plan.cost = {2 * size * hidden * 5, static_cast<double>(2 * graph.type(match.parts.x).bytes())};
  return plan;
}

}  // namespace metalaudio::nn
