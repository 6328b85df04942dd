#include <metalaudio/nn/cuda/fusion.h>
#include <metalaudio/nn/cuda/steps/conv.h>
#include <metalaudio/nn/cuda/steps/conv_geometry.h>
#include <metalaudio/nn/cuda/steps/dconv.h>
#include <metalaudio/nn/cuda/steps/norm.h>
#include <metalaudio/nn/cuda/steps/steps.h>
#include <metalaudio/nn/fusion/activation_of.h>
#include <metalaudio/nn/fusion/dconv.h>

#include <algorithm>

namespace metalaudio::nn::cuda {

namespace {

/// Gathers what stands behind a convolution, in the order in which the kernel does it.
class Chain {
 public:
  Chain(Matcher& matcher, int node)
      : matcher_(matcher),
        geometry_(*geometry_of(matcher.graph(), matcher.node(node))),
        transposed_(is<ConvTranspose>(matcher.node(node))) {
    take(node);
    activation();
    gain();
    residual();
    widened();
  }

  ConvEpilogue parts;
  StepPlan plan;

 private:
  template <typename Operation>
  static bool is(const Node& node) {
    return std::holds_alternative<Operation>(node.operation);
  }

  Value y() const { return plan.results[0]; }
  const Shape& shape() const { return matcher_.graph().shape(y()); }

  void take(int node) {
    matcher_.take(node);
    plan.kind += plan.nodes.empty() ? "" : " + ";
    plan.kind += name_of(matcher_.node(node).operation);
    plan.nodes.push_back(node);
    plan.results = matcher_.node(node).results;
  }

  void activation() {
    const int node = matcher_.sole_consumer(y());
    if (node < 0) return;
    const std::optional<Activation> found = activation_of(matcher_.node(node).operation);
    // The halves of a pair lie side by side in the product, which phases do not allow.
    if (!found || (*found == Activation::glu && transposed_)) return;
    parts.activation = *found;
    take(node);
  }

  /// The other factor or term of the operation that alone reads y, where it is this function.
  Value other(BinaryFunction function, int* node) const {
    const auto* binary = matcher_.next<Binary>(y(), node);
    if (binary == nullptr || binary->function != function) return {};
    const Node& found = matcher_.node(*node);
    const Value value = found.inputs[found.inputs[0] == y() ? 1 : 0];
    const bool same = matcher_.graph().shape(found.results[0]) == shape();
    return value == y() || !same ? Value{} : value;
  }

  void gain() {
    int node = -1;
    const Value factor = other(BinaryFunction::multiply, &node);
    if (!factor.present() || !is_per_channel(matcher_.graph(), factor, shape().back())) {
      return;
    }
    parts.gain = factor;
    take(node);
  }

  void residual() {
    int node = -1;
    const Value term = other(BinaryFunction::add, &node);
    if (!term.present() || !residual_steps(geometry_, matcher_.graph().shape(term), shape())) {
      return;
    }
    parts.residual = term;
    take(node);
  }

  void widened() {
    int node = -1;
    const auto* cast = matcher_.next<Cast>(y(), &node);
    if (cast != nullptr && cast->type == DataType::f32) take(node);
  }

  Matcher& matcher_;
  ConvGeometry geometry_;
  bool transposed_;
};

}  // namespace

std::optional<StepPlan> match_conv(Matcher& matcher, int index, const Target& target) {
  const Node& node = matcher.node(index);
  if (!std::holds_alternative<Conv>(node.operation) &&
      !std::holds_alternative<ConvTranspose>(node.operation)) {
    return std::nullopt;
  }
  Chain chain(matcher, index);
  StepPlan plan = std::move(chain.plan);
  plan.inputs = {node.inputs[Conv::x], chain.parts.residual};
  plan.make = [&node, parts = chain.parts, y = plan.results[0], target](StepMaker& maker) {
    return make_conv(parts, y, Making{maker, node, target.device, target.precision});
  };
  return plan;
}

std::optional<StepPlan> match_group_norm(Matcher& matcher, int index, const Target& target) {
  const Node& node = matcher.node(index);
  const auto* norm = std::get_if<GroupNorm>(&node.operation);
  if (norm == nullptr) return std::nullopt;
  matcher.take(index);
  StepPlan plan{"group_norm", {index}, {node.inputs[GroupNorm::x]}, node.results, {}, {}};
  Activation activation = Activation::none;
  const int next = matcher.sole_consumer(node.results[0]);
  if (next >= 0) {
    const std::optional<Activation> found = activation_of(matcher.node(next).operation);
    if (found && (*found != Activation::glu || norm->groups == 1)) {
      activation = *found;
      matcher.take(next);
      plan.nodes.push_back(next);
      plan.results = matcher.node(next).results;
      plan.kind += fmt::format(" + {}", name_of(matcher.node(next).operation));
    }
  }
  plan.make = [&node, activation, y = plan.results[0], target](StepMaker& maker) {
    return make_group_norm(std::get<GroupNorm>(node.operation), activation, y,
                           Making{maker, node, target.device, target.precision});
  };
  return plan;
}

std::optional<StepPlan> match_dconv(Matcher& matcher, int index, const Target& target) {
  const std::optional<DConvMatch> match = find_dconv(matcher, index);
  if (!match) return std::nullopt;
  // Without rows or hidden channels there is nothing to fuse.
  const Graph& graph = matcher.graph();
  if (graph.shape(match->y).size() == 0 || graph.shape(match->parts.bias1)[0] == 0)
    return std::nullopt;
  for (const int node : match->nodes) matcher.take(node);
  StepPlan plan = plan_dconv(graph, *match);
  const Node& node = matcher.node(index);
  plan.make = [&node, match = *match, target](StepMaker& maker) {
    return make_dconv(match.parts, match.y, Making{maker, node, target.device, target.precision});
  };
  return plan;
}

}  // namespace metalaudio::nn::cuda
