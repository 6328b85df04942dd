#include <metalaudio/core/error.h>
#include <metalaudio/nn/cpu_backend.h>
#include <metalaudio/nn/cpu/cpu_step.h>
#include <metalaudio/nn/cpu/fusion/patterns.h>
#include <metalaudio/nn/cpu/steps/steps.h>

namespace metalaudio::nn {

namespace cpu {

namespace {

class CpuRunner final : public Runner {
 public:
  CpuRunner(std::span<const std::unique_ptr<Step>> steps, ThreadPool* pool)
      : workers_(pool, needs_of(steps)) {
    for (const auto& step : steps) steps_.push_back(static_cast<const CpuStep*>(step.get()));
  }

  void run(std::size_t first, std::size_t last,
           std::span<const SlotAddress> slots) noexcept override {
    const CpuRun run(slots, workers_);
    for (std::size_t i = first; i < last; ++i) steps_[i]->run(run);
  }

 private:
  static ScratchNeeds needs_of(std::span<const std::unique_ptr<Step>> steps) {
    ScratchNeeds needs;
    for (const auto& step : steps) needs.cover(static_cast<const CpuStep&>(*step).scratch());
    return needs;
  }

  Workers workers_;
  std::vector<const CpuStep*> steps_;
};

/// Makes the step of one operation that nothing was fused with.
struct SingleStep {
  const GemmKernel& kernel;
  const Node& node;
  StepMaker& maker;

  using Made = std::unique_ptr<Step>;
  Made operator()(const Attention& o) const { return make_attention(kernel, o, node, maker); }
  Made operator()(const Binary& o) const { return make_binary(o, node, maker); }
  Made operator()(const Cast&) const { return make_cast(node, maker); }
  Made operator()(const Concat& o) const { return make_concat(o, node, maker); }
  Made operator()(const Expand&) const { return make_expand(node, maker); }
  Made operator()(const Glu&) const { return make_glu(node, maker); }
  Made operator()(const Gru& o) const { return make_gru(o, node, maker); }
  Made operator()(const LayerNorm& o) const { return make_layer_norm(o, node, maker); }
  Made operator()(const Lstm& o) const { return make_lstm(o, node, maker); }
  Made operator()(const MatMul&) const { return make_matmul(kernel, node, maker); }
  Made operator()(const Pad& o) const { return make_pad(o, node, maker); }
  Made operator()(const RmsNorm& o) const { return make_rms_norm(o, node, maker); }
  Made operator()(const Rnn& o) const { return make_rnn(o, node, maker); }
  Made operator()(const Rotary& o) const { return make_rotary(o, node, maker); }
  Made operator()(const Slice& o) const { return make_slice(o, node, maker); }
  Made operator()(const Softmax& o) const { return make_softmax(o, node, maker); }
  Made operator()(const Transpose& o) const { return make_transpose(o, node, maker); }
  Made operator()(const Unary& o) const { return make_unary(o, node, maker); }
  // These are patterns of their own, or vanish before any backend sees them.
  Made operator()(const Conv&) const { return nullptr; }
  Made operator()(const ConvTranspose&) const { return nullptr; }
  Made operator()(const GroupNorm&) const { return nullptr; }
  Made operator()(const Reshape&) const { return nullptr; }
};

/// Operations that take any type; the others are float32 alone.
bool takes_any_type(const Operation& operation) {
  return std::visit(
      []<typename O>(const O&) {
        return std::is_same_v<O, Binary> || std::is_same_v<O, Cast> || std::is_same_v<O, Concat> ||
               std::is_same_v<O, Expand> || std::is_same_v<O, MatMul> || std::is_same_v<O, Pad> ||
               std::is_same_v<O, Reshape> || std::is_same_v<O, Slice> ||
               std::is_same_v<O, Transpose> || std::is_same_v<O, Unary>;
      },
      operation);
}

/// Inputs that a step packs while it is made, which must be constant.
bool packs_weights(const Operation& operation) {
  return std::visit(
      []<typename O>(const O&) {
        return std::is_same_v<O, Conv> || std::is_same_v<O, ConvTranspose> ||
               std::is_same_v<O, Gru> || std::is_same_v<O, Lstm> || std::is_same_v<O, Rnn> ||
               std::is_same_v<O, Rotary>;
      },
      operation);
}

bool is_weight(Role role) { return role == Role::weight || role == Role::optional_weight; }

StepCost cost_of(const Graph& graph, const Node& node) {
  StepCost cost;
  for (const Value value : node.inputs) {
    if (value.present()) cost.bytes += static_cast<double>(graph.type(value).bytes());
  }
  for (const Value value : node.results) {
    cost.bytes += static_cast<double>(graph.type(value).bytes());
    cost.operations = std::max(cost.operations, static_cast<double>(graph.shape(value).size()));
  }
  const auto size = [&](std::size_t input) {
    return static_cast<double>(graph.shape(node.inputs[input]).size());
  };
  if (std::holds_alternative<MatMul>(node.operation)) {
    cost.operations *= 2 * static_cast<double>(graph.shape(node.inputs[0]).back());
  } else if (const auto* attention = std::get_if<Attention>(&node.operation)) {
    const Shape& keys = graph.shape(node.inputs[Attention::k]);
    const auto count = static_cast<double>(keys[axis_of(attention->axis, keys.rank())]);
    cost.operations = 2 * count * (size(Attention::q) + cost.operations);
  } else if (node.inputs.size() > 2 && packs_weights(node.operation)) {
    const Shape& x = graph.shape(node.inputs[0]);
    const double tokens = size(0) / std::max(1.0, static_cast<double>(x.back()));
    cost.operations = 2 * tokens * (size(1) + size(2));
  }
  return cost;
}

class CpuBackend final : public Backend {
 public:
  CpuBackend(Precision precision, std::size_t threads)
      : kernel_(gemm_kernel(precision)), threads_(threads) {}

  std::string_view name() const noexcept override { return "cpu"; }
  std::shared_ptr<AudioDevice> device() const override { return nullptr; }

  std::string refusal(const Graph& graph, const Node& node) const override {
    if (!takes_any_type(node.operation)) {
      for (const Value value : node.inputs) {
        if (!value.present() || graph.type(value).type == DataType::f32) continue;
        const bool halves = is_floating(graph.type(value).type) && graph.is_constant(value) &&
                            packs_weights(node.operation);
        if (!halves) return fmt::format("{}: float32 alone", graph.type(value).to_string());
      }
    }
    if (packs_weights(node.operation)) {
      const std::span<const Role> roles = roles_of(node.operation);
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        if (is_weight(roles[i]) && node.inputs[i].present() && !graph.is_constant(node.inputs[i])) {
          return fmt::format("input {} is a weight and not constant", i);
        }
      }
    }
    if (const auto* conv = std::get_if<Conv>(&node.operation); conv && conv->axes.size() > 2) {
      return fmt::format("{} axes: at most 2", conv->axes.size());
    }
    if (const auto* conv = std::get_if<ConvTranspose>(&node.operation);
        conv && conv->axes.size() > 2) {
      return fmt::format("{} axes: at most 2", conv->axes.size());
    }
    return {};
  }

  std::vector<StepPlan> plan_steps(const Graph& graph, std::span<const int> nodes,
                                   bool fuse) const override {
    Matcher matcher(graph, nodes);
    std::vector<StepPlan> plans;
    for (const int index : nodes) {
      if (matcher.taken(index)) continue;
      std::optional<StepPlan> plan;
      if (fuse) plan = match_dconv(matcher, index, kernel_, threads_);
      if (!plan) plan = match_conv(matcher, index, kernel_, fuse);
      if (!plan) plan = match_group_norm(matcher, index, fuse);
      plans.push_back(plan ? std::move(*plan) : single(graph, index));
    }
    return plans;
  }

  std::unique_ptr<Runner> make_runner(std::span<const std::unique_ptr<Step>> steps,
                                      ThreadPool* pool) const override {
    return std::make_unique<CpuRunner>(steps, pool);
  }

 private:
  StepPlan single(const Graph& graph, int index) const {
    const Node& node = graph.nodes()[static_cast<std::size_t>(index)];
    StepPlan plan{
        std::string(name_of(node.operation)), {index}, {}, node.results, cost_of(graph, node), {}};
    const std::span<const Role> roles = roles_of(node.operation);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const Role role = roles[std::min(i, roles.size() - 1)];
      const bool packed = packs_weights(node.operation) && is_weight(role);
      if (!packed) plan.inputs.push_back(node.inputs[i]);
    }
    plan.make = [this, &node](StepMaker& maker) {
      return std::visit(SingleStep{kernel_, node, maker}, node.operation);
    };
    return plan;
  }

  const GemmKernel& kernel_;
  std::size_t threads_;
};

}  // namespace

}  // namespace cpu

std::shared_ptr<const Backend> make_cpu_backend(Precision precision, std::size_t threads) {
  return std::make_shared<cpu::CpuBackend>(precision, threads);
}

}  // namespace metalaudio::nn
