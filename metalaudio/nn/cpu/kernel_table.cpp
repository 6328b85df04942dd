#include <metalaudio/core/error.h>
#include <metalaudio/nn/cpu/kernel.h>

namespace metalaudio::nn::cpu {

std::unique_ptr<Kernel> make_kernel(const Step& step, const KernelContext& context) {
  switch (step.kind) {
    case StepKind::conv:
      return make_conv(step, context);
    case StepKind::conv_transpose:
      return make_conv_transpose(step, context);
    case StepKind::dconv:
      return make_dconv(step, context);
    case StepKind::group_norm:
      return make_group_norm(step, context);
    case StepKind::layer_norm:
      return make_layer_norm(step, context);
    case StepKind::attention:
      return make_attention(step, context);
    case StepKind::activation:
      return make_activation(step, context);
    case StepKind::slice:
      return make_slice(step, context);
    case StepKind::add:
    case StepKind::multiply:
      return make_binary(step, context);
  }
  fail(ErrorCode::unsupported, "[nn::Plan] no CPU kernel for {}", to_string(step.kind));
}

std::span<const float> KernelContext::constant(Value value) const {
  const Node* node = &graph.node(value);
  while (node->kind == OperationKind::reshape) node = &graph.node(node->inputs[0]);
  if (node->kind != OperationKind::constant) {
    fail(ErrorCode::invalid_argument, "[nn::Plan] {}: a weight is not a constant", node->label);
  }
  return node->constant->values();
}

BroadcastStrides broadcast_strides(const Shape& shape) noexcept {
  const std::ptrdiff_t position = shape[1] == 1 ? 0 : shape[2];
  const std::ptrdiff_t row = shape[0] == 1 ? 0 : shape[1] * shape[2];
  return {row, position};
}

}  // namespace metalaudio::nn::cpu
