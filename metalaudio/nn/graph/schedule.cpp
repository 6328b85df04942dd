#include <metalaudio/core/error.h>
#include <metalaudio/nn/graph/schedule.h>

#include <algorithm>

namespace metalaudio::nn {

std::string_view to_string(StepKind kind) noexcept {
  switch (kind) {
    case StepKind::conv:
      return "conv";
    case StepKind::conv_transpose:
      return "conv_transpose";
    case StepKind::dconv:
      return "dconv";
    case StepKind::group_norm:
      return "group_norm";
    case StepKind::layer_norm:
      return "layer_norm";
    case StepKind::attention:
      return "attention";
    case StepKind::activation:
      return "activation";
    case StepKind::add:
      return "add";
    case StepKind::multiply:
      return "multiply";
    case StepKind::slice:
      return "slice";
  }
  return "unknown";
}

namespace {

StepKind step_kind(OperationKind kind) {
  switch (kind) {
    case OperationKind::conv:
      return StepKind::conv;
    case OperationKind::conv_transpose:
      return StepKind::conv_transpose;
    case OperationKind::group_norm:
      return StepKind::group_norm;
    case OperationKind::layer_norm:
      return StepKind::layer_norm;
    case OperationKind::attention:
      return StepKind::attention;
    case OperationKind::activation:
      return StepKind::activation;
    case OperationKind::add:
      return StepKind::add;
    case OperationKind::multiply:
      return StepKind::multiply;
    case OperationKind::slice:
      return StepKind::slice;
    default:
      break;
  }
  fail(ErrorCode::invalid_argument, "[nn::Schedule] {} is not a step", to_string(kind));
}

bool is_row_norm(const Node* node) {
  if (node == nullptr || node->kind != OperationKind::group_norm) return false;
  const auto& attributes = std::get<GroupNormAttributes>(node->attributes);
  return attributes.groups == 1 && attributes.per_row;
}

bool is_activation(const Node* node, Activation activation) {
  return node != nullptr && node->kind == OperationKind::activation &&
         std::get<ActivationAttributes>(node->attributes).activation == activation;
}

/// A convolution along the positions alone that keeps their number.
bool keeps_positions(const Node* node, std::int64_t kernel) {
  if (node == nullptr || node->kind != OperationKind::conv) return false;
  const auto& [rows, positions] = std::get<ConvAttributes>(node->attributes);
  return rows.kernel == 1 && rows.stride == 1 && rows.before == 0 && rows.after == 0 &&
         positions.kernel == kernel && positions.stride == 1 &&
         positions.before == positions.after &&
         positions.before == positions.dilation * (kernel / 2);
}

}  // namespace

Schedule::Schedule(const Graph& graph) : graph_(graph) {
  const std::vector<Node>& nodes = graph.nodes();
  consumers_.resize(nodes.size());
  taken_.resize(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const bool shares = nodes[i].kind == OperationKind::reshape;
    owners_.push_back(shares ? resolve(nodes[i].inputs[0]) : Value{static_cast<int>(i)});
    for (const Value input : nodes[i].inputs) {
      consumers_[static_cast<std::size_t>(input.index)].push_back(static_cast<int>(i));
    }
  }
  // A value that leaves the graph must exist: an output counts as a consumer that takes part in no
  // fusion.
  for (const auto& [name, value] : graph.outputs()) {
    consumers_[static_cast<std::size_t>(value.index)].push_back(-1);
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) add_step(static_cast<int>(i));
  // A step stands where its last fused operation stood, so that all its inputs come before it.
  std::stable_sort(steps_.begin(), steps_.end(),
                   [](const Step& a, const Step& b) { return a.output.index < b.output.index; });
}

const Node* Schedule::sole_consumer(Value value) const {
  const auto& consumers = consumers_[static_cast<std::size_t>(value.index)];
  if (consumers.size() != 1 || consumers[0] < 0) return nullptr;
  const auto consumer = static_cast<std::size_t>(consumers[0]);
  return taken_[consumer] ? nullptr : &graph_.nodes()[consumer];
}

void Schedule::take(Step& step, const Node* consumer) {
  const auto index = consumer - graph_.nodes().data();
  taken_[static_cast<std::size_t>(index)] = true;
  step.output = Value{static_cast<int>(index)};
}

void Schedule::add_step(int index) {
  const Node& node = graph_.nodes()[static_cast<std::size_t>(index)];
  if (taken_[static_cast<std::size_t>(index)] || node.kind == OperationKind::input ||
      node.kind == OperationKind::constant || node.kind == OperationKind::reshape) {
    return;
  }
  if (fuse_dconv(index)) return;
  Step step{step_kind(node.kind), node.inputs, node.attributes, Activation::none, {}, {},
            Value{index},         node.label};
  if (step.kind == StepKind::activation) {
    step.activation = std::get<ActivationAttributes>(node.attributes).activation;
  }
  if (step.kind == StepKind::conv || step.kind == StepKind::conv_transpose) fuse_after_conv(step);
  if (step.kind == StepKind::group_norm) {
    const Node* next = sole_consumer(step.output);
    if (next != nullptr && next->kind == OperationKind::activation) {
      step.activation = std::get<ActivationAttributes>(next->attributes).activation;
      take(step, next);
    }
  }
  steps_.push_back(std::move(step));
}

void Schedule::fuse_after_conv(Step& step) {
  const Node* next = sole_consumer(step.output);
  if (next != nullptr && next->kind == OperationKind::activation) {
    const Activation activation = std::get<ActivationAttributes>(next->attributes).activation;
    if (activation != Activation::glu || step.kind == StepKind::conv) {
      step.activation = activation;
      take(step, next);
      next = sole_consumer(step.output);
    }
  }
  if (next != nullptr && next->kind == OperationKind::multiply &&
      step.activation == Activation::none && next->inputs[0] == step.output &&
      graph_.node(next->inputs[1]).kind == OperationKind::constant &&
      graph_.shape(next->inputs[1]) == Shape{1, 1, next->shape[2]}) {
    step.gain = next->inputs[1];
    take(step, next);
    next = sole_consumer(step.output);
  }
  if (next == nullptr || next->kind != OperationKind::add) return;
  const bool first = next->inputs[0] == step.output;
  const Value other = next->inputs[first ? 1 : 0];
  if (other == step.output || (!first && graph_.shape(step.output) != next->shape)) return;
  step.residual = other;
  take(step, next);
}

bool Schedule::fuse_dconv(int index) {
  const Node& conv1 = graph_.nodes()[static_cast<std::size_t>(index)];
  if (!keeps_positions(&conv1, 3)) return false;
  const Node* norm1 = sole_consumer(Value{index});
  if (!is_row_norm(norm1)) return false;
  const auto value_of = [this](const Node* node) {
    return Value{static_cast<int>(node - graph_.nodes().data())};
  };
  const Node* gelu = sole_consumer(value_of(norm1));
  if (!is_activation(gelu, Activation::gelu)) return false;
  const Node* conv2 = sole_consumer(value_of(gelu));
  if (!keeps_positions(conv2, 1)) return false;
  const Node* norm2 = sole_consumer(value_of(conv2));
  if (!is_row_norm(norm2)) return false;
  const Node* glu = sole_consumer(value_of(norm2));
  if (!is_activation(glu, Activation::glu)) return false;
  const Node* gain = sole_consumer(value_of(glu));
  if (gain == nullptr || gain->kind != OperationKind::multiply ||
      graph_.shape(gain->inputs[1]) != Shape{1, 1, gain->shape[2]}) {
    return false;
  }
  const Node* sum = sole_consumer(value_of(gain));
  if (sum == nullptr || sum->kind != OperationKind::add || sum->inputs[0] != conv1.inputs[0] ||
      sum->inputs[1] != value_of(gain)) {
    return false;
  }
  constexpr float kEpsilon = 1e-5F;  // the one that the fused kernel knows
  if (std::get<GroupNormAttributes>(norm1->attributes).epsilon != kEpsilon ||
      std::get<GroupNormAttributes>(norm2->attributes).epsilon != kEpsilon)
    return false;
  Step step{
      StepKind::dconv,
      {conv1.inputs[0], conv1.inputs[1], conv1.inputs[2], norm1->inputs[1], norm1->inputs[2],
       conv2->inputs[1], conv2->inputs[2], norm2->inputs[1], norm2->inputs[2], gain->inputs[1]},
      conv1.attributes,
      Activation::none,
      {},
      {},
      Value{index},
      conv1.label};
  for (const Node* node : {norm1, gelu, conv2, norm2, glu, gain, sum}) take(step, node);
  steps_.push_back(std::move(step));
  return true;
}

}  // namespace metalaudio::nn
