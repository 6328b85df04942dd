#include <metalaudio/nn/cpu/fusion/conv_plan.h>
#include <metalaudio/nn/cpu/fusion/patterns.h>
#include <metalaudio/nn/cpu/gemm/gemm_pairs.h>
#include <metalaudio/nn/cpu/steps/linear_layers.h>
#include <metalaudio/nn/steps/cost.h>

#include <algorithm>
#include <utility>

namespace metalaudio::nn::cpu {

namespace {

/// A linear layer of float32 with constant weights that reads a value.
bool is_linear(const Matcher& matcher, int index, Value x) {
  if (!matcher.free(index)) return false;
  const Node& node = matcher.node(index);
  const auto* conv = std::get_if<Conv>(&node.operation);
  if (conv == nullptr || !conv->axes.empty() || conv->groups != 1 || node.inputs[Conv::x] != x) {
    return false;
  }
  const Graph& graph = matcher.graph();
  const Value bias = node.inputs[Conv::bias];
  return graph.is_constant(node.inputs[Conv::weight]) &&
         (!bias.present() || graph.is_constant(bias)) &&
         graph.type(node.results[0]).type == DataType::f32 &&
         graph.shape(node.inputs[Conv::weight]).size() > 0;
}

/// Whether what is behind a linear layer, as far as it may be fused, is repeated nowhere.
bool repeats_nothing(const Matcher& matcher, Value y) {
  const Graph& graph = matcher.graph();
  const Shape& shape = graph.shape(y);
  for (int next = matcher.sole_consumer(y); next >= 0; next = matcher.sole_consumer(y)) {
    const Node& node = matcher.node(next);
    if (std::holds_alternative<Binary>(node.operation)) {
      const Value other = node.inputs[node.inputs[0] == y ? 1 : 0];
      if (graph.shape(other) != shape && !is_per_channel(graph, other, shape.back())) return false;
    } else if (!activation_of(node.operation)) {
      return true;
    }
    y = node.results[0];
    if (graph.shape(y) != shape) return true;
  }
  return true;
}

StepPlan begin(const Graph& graph, const Node& norm, int index) {
  return {"layer_norm", {index}, norm.inputs, {}, cost_of(graph, norm), {}};
}

/// Takes over the nodes, inputs and cost of a layer.
void append(StepPlan& plan, const StepPlan& layer) {
  plan.kind += " + " + layer.kind;
  plan.nodes.insert(plan.nodes.end(), layer.nodes.begin(), layer.nodes.end());
  plan.cost.operations += layer.cost.operations;
  plan.cost.bytes += layer.cost.bytes;
}

std::optional<StepPlan> feed_forward(Matcher& matcher, int norm_index, int first_index,
                                     const GemmPairs& kernel) {
  const Node& norm = matcher.node(norm_index);
  Value between = matcher.node(first_index).results[0];
  int next = matcher.sole_consumer(between);
  if (next < 0) return std::nullopt;
  if (const auto activation = activation_of(matcher.node(next).operation)) {
    between = matcher.node(next).results[0];
    next = matcher.sole_consumer(between);
  }
  if (next < 0 || !is_linear(matcher, next, between) ||
      !repeats_nothing(matcher, matcher.node(next).results[0])) {
    return std::nullopt;
  }
  matcher.take(norm_index);
  const ConvPlan first = plan_conv(matcher, first_index, kernel);
  const ConvPlan second = plan_conv(matcher, next, kernel);
  StepPlan plan = begin(matcher.graph(), norm, norm_index);
  append(plan, first.plan);
  append(plan, second.plan);
  std::ranges::sort(plan.nodes);
  plan.inputs.push_back(second.parts.epilogue.residual);
  plan.results = second.plan.results;
  plan.make = [&norm, &kernel, a = first.parts, b = second.parts, y = plan.results[0]](
                  StepMaker& maker) { return make_feed_forward(norm, kernel, a, b, y, maker); };
  return plan;
}

}  // namespace

std::optional<StepPlan> match_linear_layers(Matcher& matcher, int index, const GemmKernel& kernel) {
  // Weights of several parts would not stay in the second cache side by side.
  const auto* pairs = dynamic_cast<const GemmPairs*>(&kernel);
  if (pairs == nullptr || pairs->parts() != 1) return std::nullopt;
  const Node& norm = matcher.node(index);
  const auto* layer_norm = std::get_if<LayerNorm>(&norm.operation);
  if (layer_norm == nullptr || layer_norm->axes != 1 || !norm.inputs[LayerNorm::gamma].present() ||
      !norm.inputs[LayerNorm::beta].present()) {
    return std::nullopt;
  }
  const Value x = norm.results[0];
  const std::span<const int> readers = matcher.consumers(x);
  const auto linear = [&](int reader) { return is_linear(matcher, reader, x); };
  if (readers.empty() || !std::ranges::all_of(readers, linear)) return std::nullopt;
  if (readers.size() == 1) {
    if (std::optional<StepPlan> plan = feed_forward(matcher, index, readers[0], *pairs))
      return plan;
  }
  // Nothing may read one of them before the last of them, where the step will stand, nor be fused
  // with it.
  for (const int reader : readers) {
    const auto attends = [&](int next) {
      return next > readers.back() &&
             std::holds_alternative<Attention>(matcher.node(next).operation);
    };
    if (!std::ranges::all_of(matcher.consumers(matcher.node(reader).results[0]), attends)) {
      return std::nullopt;
    }
  }
  const std::vector<int> layers(readers.begin(), readers.end());
  matcher.take(index);
  StepPlan plan = begin(matcher.graph(), norm, index);
  std::vector<ConvParts> parts;
  for (const int layer : layers) {
    const ConvPlan made = plan_conv(matcher, layer, kernel);
    append(plan, made.plan);
    plan.results.push_back(made.plan.results[0]);
    parts.push_back(made.parts);
  }
  plan.make = [&norm, pairs, parts](StepMaker& maker) {
    return make_linear_layers(norm, *pairs, parts, maker);
  };
  return plan;
}

}  // namespace metalaudio::nn::cpu
