#include <metalaudio/nn/cpu/fusion/patterns.h>
#include <metalaudio/nn/cpu/steps/steps.h>

namespace metalaudio::nn::cpu {

std::optional<StepPlan> match_group_norm(Matcher& matcher, int index, bool fuse) {
  const Node& node = matcher.node(index);
  if (!std::holds_alternative<GroupNorm>(node.operation)) return std::nullopt;
  matcher.take(index);
  StepPlan plan{"group_norm", {index}, node.inputs, node.results, {}, {}};
  Activation activation = Activation::none;
  const int next = matcher.sole_consumer(node.results[0]);
  if (fuse && next >= 0) {
    if (const std::optional<Activation> found = activation_of(matcher.node(next).operation)) {
      activation = *found;
      matcher.take(next);
      plan.nodes.push_back(next);
      plan.results = matcher.node(next).results;
      plan.kind += fmt::format(" + {}", name_of(matcher.node(next).operation));
    }
  }
  const Value y = plan.results[0];
  const auto size = static_cast<double>(matcher.graph().shape(node.inputs[0]).size());
  plan.cost = {8 * size, static_cast<double>(2 * matcher.graph().type(node.inputs[0]).bytes() +
                                             matcher.graph().type(y).bytes())};
  plan.make = [&node, activation, y](StepMaker& maker) {
    return make_group_norm(std::get<GroupNorm>(node.operation), node, activation, y, maker);
  };
  return plan;
}

}  // namespace metalaudio::nn::cpu
