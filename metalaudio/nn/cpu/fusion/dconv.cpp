#include <metalaudio/nn/cpu/fusion/patterns.h>
#include <metalaudio/nn/cpu/steps/dconv.h>

namespace metalaudio::nn::cpu {

std::optional<StepPlan> match_dconv(Matcher& matcher, int index, const GemmKernel& kernel,
                                    std::size_t threads) {
  const std::optional<DConvMatch> match = find_dconv(matcher, index);
  if (!match) return std::nullopt;
  for (const int node : match->nodes) matcher.take(node);
  StepPlan plan = plan_dconv(matcher.graph(), *match);
  plan.make = [&kernel, parts = match->parts, y = match->y, threads](StepMaker& maker) {
    return make_dconv(kernel, parts, y, threads, maker);
  };
  return plan;
}

}  // namespace metalaudio::nn::cpu
