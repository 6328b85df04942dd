#include <metalaudio/nn/cpu/fusion/conv_plan.h>
#include <metalaudio/nn/cpu/fusion/patterns.h>
#include <metalaudio/nn/cpu/gemm/gemm_pairs.h>
#include <metalaudio/nn/cpu/half_values.h>
#include <metalaudio/nn/cpu/steps/dconv.h>
#include <metalaudio/nn/steps/cost.h>

#include <algorithm>

namespace metalaudio::nn::cpu {

namespace {

/// The layer that alone reads a value.
std::optional<DConvMatch> find_layer(const Matcher& matcher, Value x) {
  const std::span<const int> readers = matcher.consumers(x);
  if (readers.size() != 2 || !matcher.free(readers[0]) || !matcher.free(readers[1])) {
    return std::nullopt;
  }
  std::optional<DConvMatch> layer = find_dconv(matcher, readers[0]);
  // Its convolution and its addition.
  if (layer && (layer->parts.x != x || layer->nodes.back() != readers[1])) return std::nullopt;
  return layer;
}

/// The pointwise convolution that alone reads a value, if its result, gated or not, has as many
/// channels. -1: none.
int find_tail(const Matcher& matcher, Value x, const ToleranceConfiguration& tolerances) {
  int index = -1;
  const auto* conv = matcher.next<Conv>(x, &index);
  if (conv == nullptr || conv->groups != 1 || conv->axes.empty() || conv->axes.size() > 2)
    return -1;
  const Node& node = matcher.node(index);
  const Graph& graph = matcher.graph();
  for (const Value weights : {node.inputs[Conv::weight], node.inputs[Conv::bias]}) {
    if (weights.present() && !graph.is_constant(weights)) return -1;
  }
  for (const SlidingAxis& axis : conv->axes) {
    if (axis.kernel != 1 || axis.stride != 1 || axis.before != 0 || axis.after != 0) return -1;
  }
  const std::int64_t columns = graph.shape(node.results[0]).back();
  int gate = -1;
  const bool gated = matcher.next<Glu>(node.results[0], &gate) != nullptr;
  // Few columns have kernels of their own.
  if (static_cast<std::size_t>(columns) < tolerances.conv_wide_channels) return -1;
  return (gated ? columns / 2 : columns) == graph.shape(x).back() ? index : -1;
}

/// Adds a step behind others, which then read and write what lies between them in the cache.
void append(StepPlan& plan, const StepPlan& next, double bytes_between) {
  if (!plan.kind.empty() && !next.kind.empty()) plan.kind += " + ";
  plan.kind += next.kind;
  plan.nodes.insert(plan.nodes.end(), next.nodes.begin(), next.nodes.end());
  plan.cost.operations += next.cost.operations;
  plan.cost.bytes += next.cost.bytes - 2 * bytes_between;
}

}  // namespace

std::optional<StepPlan> match_dconv(Matcher& matcher, int index, const ConvPlan* head,
                                    const GemmKernel& kernel, std::size_t threads,
                                    const ToleranceConfiguration& tolerances,
                                    const std::shared_ptr<HalfValues>& halves) {
  std::optional<DConvMatch> match =
      head != nullptr ? find_layer(matcher, head->plan.results[0]) : find_dconv(matcher, index);
  if (!match) return std::nullopt;
  const Graph& graph = matcher.graph();
  const Value x = match->parts.x;
  const auto bytes = static_cast<double>(graph.type(x).bytes());
  DConvChain chain;
  StepPlan plan;
  plan.inputs = {x};
  if (head != nullptr) {
    chain.head = head->parts;
    plan = head->plan;
  }
  for (; match; match = find_layer(matcher, chain.y)) {
    for (const int node : match->nodes) matcher.take(node);
    StepPlan layer = plan_dconv(graph, *match);
    if (!chain.layers.empty()) layer.kind.clear();
    append(plan, layer, plan.nodes.empty() ? 0 : bytes);
    chain.layers.push_back(match->parts);
    chain.y = match->y;
  }
  if (const int node = find_tail(matcher, chain.y, tolerances); node >= 0) {
    const ConvPlan tail = plan_conv(matcher, node, kernel);
    append(plan, tail.plan, bytes);
    plan.inputs.push_back(tail.parts.epilogue.residual);
    chain.tail = tail.parts;
    chain.y = tail.plan.results[0];
  }
  plan.results = {chain.y};
  if (amx_parts(kernel) == 1) {
    for (const Value input : plan.inputs) {
      if (head != nullptr || input != x || takes_halves(kernel, chain, graph))
        halves->may_read(plan, input);
    }
    halves->may_write(chain.y);
  }
  plan.make = [&kernel, chain, threads, halves](StepMaker& maker) {
    return make_dconv(kernel, chain, threads, *halves, maker);
  };
  return plan;
}

}  // namespace metalaudio::nn::cpu
