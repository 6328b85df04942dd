#include <metalaudio/nn/cpu/fusion/patterns.h>
#include <metalaudio/nn/cpu/steps/dconv.h>

#include <algorithm>

namespace metalaudio::nn::cpu {

namespace {

/// The layer that alone reads the result of another.
std::optional<DConvMatch> find_next(const Matcher& matcher, const DConvMatch& layer) {
  const std::span<const int> readers = matcher.consumers(layer.y);
  if (readers.size() != 2 || !matcher.free(readers[0]) || !matcher.free(readers[1])) {
    return std::nullopt;
  }
  std::optional<DConvMatch> next = find_dconv(matcher, readers[0]);
  // Its convolution and its addition.
  if (next && (next->parts.x != layer.y || next->nodes.back() != readers[1])) return std::nullopt;
  return next;
}

}  // namespace

std::optional<StepPlan> match_dconv(Matcher& matcher, int index, const GemmKernel& kernel,
                                    std::size_t threads) {
  std::optional<DConvMatch> match = find_dconv(matcher, index);
  if (!match) return std::nullopt;
  StepPlan plan = plan_dconv(matcher.graph(), *match);
  std::vector<DConvParts> layers;
  for (;;) {
    layers.push_back(match->parts);
    for (const int node : match->nodes) matcher.take(node);
    std::optional<DConvMatch> next = find_next(matcher, *match);
    if (!next) break;
    plan.cost.operations += plan_dconv(matcher.graph(), *next).cost.operations;
    plan.nodes.insert(plan.nodes.end(), next->nodes.begin(), next->nodes.end());
    match = std::move(next);
  }
  plan.results = {match->y};
  plan.make = [&kernel, layers, y = match->y, threads](StepMaker& maker) {
    return make_dconv(kernel, layers, y, threads, maker);
  };
  return plan;
}

}  // namespace metalaudio::nn::cpu
