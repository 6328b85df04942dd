#include <metalaudio/nn/cpu/fusion/conv_plan.h>
#include <metalaudio/nn/cpu/fusion/patterns.h>
#include <metalaudio/nn/cpu/half_values.h>
#include <metalaudio/nn/cpu/steps/half_conv.h>
#include <metalaudio/nn/cpu/steps/linear_layers.h>
#include <metalaudio/nn/cpu/steps/narrow_conv.h>
#include <metalaudio/nn/cpu/steps/winograd_conv.h>

#include <utility>

namespace metalaudio::nn::cpu {

namespace {

/// Weights that are read again for every row should leave the second cache to the row.
constexpr std::int64_t kFewWeights = 48 << 10;

std::unique_ptr<Step> make_by_taps(const ConvParts& parts, Value y, StepMaker& maker) {
  if (const auto* forward = std::get_if<Conv>(&parts.node->operation)) {
    return make_conv(*parts.kernel, *forward, *parts.node, parts.epilogue, y, maker);
  }
  return make_conv_transpose(*parts.kernel, std::get<ConvTranspose>(parts.node->operation),
                             *parts.node, parts.epilogue, y, maker);
}

}  // namespace

std::optional<StepPlan> match_conv(Matcher& matcher, int index, const GemmKernel& usual, bool fuse,
                                   std::size_t threads, const ToleranceConfiguration& tolerances,
                                   const std::shared_ptr<HalfValues>& halves) {
  const Node& node = matcher.node(index);
  const auto* conv = std::get_if<Conv>(&node.operation);
  if (conv == nullptr && !std::holds_alternative<ConvTranspose>(node.operation)) {
    return std::nullopt;
  }
  ConvPlan made = plan_conv(matcher, index, usual, fuse);
  const ConvParts parts = made.parts;
  StepPlan& plan = made.plan;
  const Value y = plan.results[0];
  // The narrow kernels multiply float32 alone.
  if (conv != nullptr && parts.kernel->name() == "fp32" &&
      is_narrow(matcher.graph(), *conv, node, parts.epilogue, y, tolerances)) {
    plan.make = [parts, y, tolerances](StepMaker& maker) {
      return make_narrow_conv(std::get<Conv>(parts.node->operation), *parts.node, parts.epilogue, y,
                              tolerances, maker);
    };
    return std::move(plan);
  }
  const std::optional<WinogradPlan> filtered = plan_winograd(matcher.graph(), parts);
  // A chain of DConv saves less than a filter of three taps, and more than one of two.
  const bool chains = !filtered || filtered->form.taps == 2;
  if (chains && fuse && conv != nullptr && conv->groups == 1 && !conv->axes.empty() &&
      matcher.graph().shape(node.inputs[Conv::weight]).size() <= kFewWeights) {
    if (std::optional<StepPlan> chain =
            match_dconv(matcher, index, &made, usual, threads, tolerances, halves)) {
      return chain;
    }
  }
  if (filtered) {
    plan.make = [parts, y, filtered = *filtered](StepMaker& maker) {
      std::unique_ptr<Step> step = make_winograd_conv(filtered, parts, y, maker);
      return step ? std::move(step) : make_by_taps(parts, y, maker);
    };
    return std::move(plan);
  }
  if (shares_columns(parts, y, matcher.graph())) {
    plan.make = [parts, y](StepMaker& maker) { return make_linear(parts, y, maker); };
    return std::move(plan);
  }
  if (takes_halves(parts, y, matcher.graph())) {
    halves->may_read(plan, node.inputs[0]);
    halves->may_read(plan, parts.epilogue.residual);
    halves->may_write(y);
    plan.make = [parts, y, halves](StepMaker& maker) -> std::unique_ptr<Step> {
      if (std::holds_alternative<ConvTranspose>(parts.node->operation)) {
        return make_half_conv_transpose(parts, y, *halves, maker);
      }
      return make_half_conv(parts, y, ConvUse::whole, numbers_slot(y, *halves, maker), *halves,
                            maker);
    };
    return std::move(plan);
  }
  plan.make = [parts, y](StepMaker& maker) { return make_by_taps(parts, y, maker); };
  return std::move(plan);
}

}  // namespace metalaudio::nn::cpu
