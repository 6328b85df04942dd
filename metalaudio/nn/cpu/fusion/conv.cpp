#include <metalaudio/nn/cpu/fusion/epilogue.h>
#include <metalaudio/nn/cpu/fusion/patterns.h>
#include <metalaudio/nn/cpu/gemm/gemm_half.h>
#include <metalaudio/nn/cpu/steps/conv.h>
#include <metalaudio/nn/cpu/steps/narrow_conv.h>

namespace metalaudio::nn::cpu {

namespace {

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

/// Weights that are read again for every row should leave the second cache to the row.
constexpr std::int64_t kFewWeights = 48 << 10;

}  // namespace

std::optional<StepPlan> match_conv(Matcher& matcher, int index, const GemmKernel& usual, bool fuse,
                                   std::size_t threads, const ToleranceConfiguration& tolerances) {
  const Node& node = matcher.node(index);
  const auto* conv = std::get_if<Conv>(&node.operation);
  if (conv == nullptr && !std::holds_alternative<ConvTranspose>(node.operation)) {
    return std::nullopt;
  }
  auto [parts, plan] = plan_conv(matcher, index, fuse);
  const Value y = plan.results[0];
  const GemmKernel& kernel = kernel_for(usual, matcher.graph(), node, parts.epilogue);
  // The narrow kernels multiply float32 alone.
  if (conv != nullptr && kernel.name() == "fp32" &&
      is_narrow(matcher.graph(), *conv, node, parts.epilogue, y, tolerances)) {
    plan.make = [parts, y, tolerances](StepMaker& maker) {
      return make_narrow_conv(std::get<Conv>(parts.node->operation), *parts.node, parts.epilogue, y,
                              tolerances, maker);
    };
    return plan;
  }
  if (fuse && conv != nullptr && conv->groups == 1 && !conv->axes.empty() &&
      matcher.graph().shape(node.inputs[Conv::weight]).size() <= kFewWeights) {
    const ConvPlan head{parts, plan};
    if (std::optional<StepPlan> chain =
            match_dconv(matcher, index, &head, usual, threads, tolerances)) {
      return chain;
    }
  }
  plan.make = [&kernel, parts, y](StepMaker& maker) -> std::unique_ptr<Step> {
    if (const auto* forward = std::get_if<Conv>(&parts.node->operation)) {
      return make_conv(kernel, *forward, *parts.node, parts.epilogue, y, maker);
    }
    return make_conv_transpose(kernel, std::get<ConvTranspose>(parts.node->operation), *parts.node,
                               parts.epilogue, y, maker);
  };
  return plan;
}

}  // namespace metalaudio::nn::cpu
