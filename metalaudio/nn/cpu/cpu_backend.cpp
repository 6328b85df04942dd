#include <metalaudio/core/error.h>
#include <metalaudio/nn/cpu/backend_with_kernel.h>
#include <metalaudio/nn/cpu/cpu_step.h>
#include <metalaudio/nn/cpu/fusion/patterns.h>
#include <metalaudio/nn/cpu/gemm/gemm_few_rows.h>
#include <metalaudio/nn/cpu/gemm/pair_products.h>
#include <metalaudio/nn/cpu/half_values.h>
#include <metalaudio/nn/cpu/steps/general.h>
#include <metalaudio/nn/cpu/steps/in_float32.h>
#include <metalaudio/nn/cpu/steps/steps.h>
#include <metalaudio/nn/cpu_backend.h>
#include <metalaudio/nn/steps/cost.h>

namespace metalaudio::nn {

namespace cpu {

namespace {

ScratchNeeds needs_of(std::span<const std::unique_ptr<Step>> steps) {
  ScratchNeeds needs;
  for (const auto& step : steps) needs.cover(static_cast<const CpuStep&>(*step).scratch());
  return needs;
}

class CpuRunner final : public Runner {
 public:
  CpuRunner(std::span<const std::unique_ptr<Step>> steps, ThreadPool* pool)
      : workers_(pool, needs_of(steps)) {
    for (const auto& step : steps) steps_.push_back(static_cast<const CpuStep*>(step.get()));
  }

  void run(std::size_t first, std::size_t last, const SlotBinding& binding) noexcept override {
    const CpuRun run(binding.slots, workers_);
    for (std::size_t i = first; i < last; ++i) steps_[i]->run(run);
  }

 private:
  Workers workers_;
  std::vector<const CpuStep*> steps_;
};

bool is_weight(Role role) { return role == Role::weight || role == Role::optional_weight; }

/// Inputs that a step packs while it is made, where they are constant.
bool packs_weights(const Operation& operation) {
  return std::visit(
      []<typename O>(const O&) {
        return std::is_same_v<O, Conv> || std::is_same_v<O, ConvTranspose> ||
               std::is_same_v<O, Gru> || std::is_same_v<O, Lstm> || std::is_same_v<O, Rnn> ||
               std::is_same_v<O, Rotary>;
      },
      operation);
}

bool has_constant_weights(const Graph& graph, const Node& node) {
  const std::span<const Role> roles = roles_of(node.operation);
  for (std::size_t i = 0; i < roles.size(); ++i) {
    const Value value = node.inputs[i];
    if (is_weight(roles[i]) && value.present() && !graph.is_constant(value)) return false;
  }
  return true;
}

/// Which steps there are for a node: the fast ones of the operation; a general one in its own type;
/// or none but those of float32, between conversions.
enum class Way { fast, general, in_float32 };

struct WayOf {
  const Graph& graph;
  const Node& node;

  DataType type() const { return graph.type(node.inputs[0]).type; }
  bool is_half() const { return type() == DataType::f16 || type() == DataType::bf16; }
  Way chosen(bool fast) const {
    return is_half() ? Way::in_float32 : fast && type() == DataType::f32 ? Way::fast : Way::general;
  }
  Way only_float32() const { return type() == DataType::f32 ? Way::fast : Way::in_float32; }

  Way operator()(const Conv& o) const {
    return chosen(o.axes.size() <= 2 && has_constant_weights(graph, node));
  }
  Way operator()(const ConvTranspose& o) const {
    // A matrix for each phase, of which most then have nothing to do.
    const bool phases_too_many = std::ranges::any_of(o.axes, [](const TransposeAxis& axis) {
      return axis.stride > std::max<std::int64_t>(4096, axis.extent);
    });
    return chosen(o.axes.size() <= 2 && !phases_too_many && has_constant_weights(graph, node));
  }
  template <typename Layer>
  Way recurrent(const Layer& o, bool usual = true) const {
    return chosen(usual && o.activations.empty() && o.clip == 0 &&
                  !node.inputs[Layer::lengths].present() && has_constant_weights(graph, node));
  }
  Way operator()(const Lstm& o) const { return recurrent(o, !o.coupled); }
  Way operator()(const Gru& o) const { return recurrent(o); }
  Way operator()(const Rnn& o) const { return recurrent(o); }
  Way operator()(const Glu&) const { return chosen(true); }
  Way operator()(const GroupNorm&) const { return chosen(true); }
  Way operator()(const LayerNorm&) const { return chosen(true); }
  Way operator()(const RmsNorm&) const { return chosen(true); }
  Way operator()(const Softmax&) const { return chosen(true); }
  Way operator()(const Attention&) const { return only_float32(); }
  Way operator()(const Rotary&) const { return only_float32(); }
  Way operator()(const MatMul&) const { return is_half() ? Way::in_float32 : Way::fast; }
  Way operator()(const Pool& o) const {
    return o.function != PoolFunction::maximum && is_half() ? Way::in_float32 : Way::fast;
  }
  Way operator()(const Dft&) const { return is_half() ? Way::in_float32 : Way::fast; }
  Way operator()(const Stft&) const { return is_half() ? Way::in_float32 : Way::fast; }
  Way operator()(const auto&) const { return Way::fast; }
};

Way way_of(const Graph& graph, const Node& node) {
  return std::visit(WayOf{graph, node}, node.operation);
}

/// Makes the step of one operation that nothing was fused with.
struct SingleStep {
  const GemmKernel& kernel;
  const Node& node;
  StepMaker& maker;

  using Made = std::unique_ptr<Step>;
  Made operator()(const ArgReduce& o) const { return make_arg_reduce(o, node, maker); }
  Made operator()(const Attention& o) const { return make_attention(kernel, o, node, maker); }
  Made operator()(const Binary& o) const { return make_binary(o, node, maker); }
  Made operator()(const BitCast&) const { return make_bit_cast(node, maker); }
  Made operator()(const Cast&) const { return make_cast(node, maker); }
  Made operator()(const Concat& o) const { return make_concat(o, node, maker); }
  Made operator()(const CumSum& o) const { return make_cum_sum(o, node, maker); }
  Made operator()(const Dequantize& o) const { return make_dequantize(o, node, maker); }
  Made operator()(const Dft& o) const { return make_dft(o, node, maker); }
  Made operator()(const Expand&) const { return make_expand(node, maker); }
  Made operator()(const Gather& o) const { return make_gather(o, node, maker); }
  Made operator()(const GatherElements& o) const { return make_gather_elements(o, node, maker); }
  Made operator()(const GatherNd& o) const { return make_gather_nd(o, node, maker); }
  Made operator()(const Glu&) const { return make_glu(node, maker); }
  Made operator()(const Gru& o) const { return make_gru(o, node, maker); }
  Made operator()(const LayerNorm& o) const { return make_layer_norm(o, node, maker); }
  Made operator()(const Lstm& o) const { return make_lstm(o, node, maker); }
  Made operator()(const MatMul&) const { return make_matmul(kernel, node, maker); }
  Made operator()(const OneHot& o) const { return make_one_hot(o, node, maker); }
  Made operator()(const Pad& o) const { return make_pad(o, node, maker); }
  Made operator()(const Pool& o) const { return make_pool(o, node, maker); }
  Made operator()(const Quantize& o) const { return make_quantize(o, node, maker); }
  Made operator()(const Reduce& o) const { return make_reduce(o, node, maker); }
  Made operator()(const Resize& o) const { return make_resize(o, node, maker); }
  Made operator()(const RmsNorm& o) const { return make_rms_norm(o, node, maker); }
  Made operator()(const Rnn& o) const { return make_rnn(o, node, maker); }
  Made operator()(const Rotary& o) const { return make_rotary(o, node, maker); }
  Made operator()(const ScatterElements& o) const { return make_scatter_elements(o, node, maker); }
  Made operator()(const ScatterNd& o) const { return make_scatter_nd(o, node, maker); }
  Made operator()(const Slice& o) const { return make_slice(o, node, maker); }
  Made operator()(const Softmax& o) const { return make_softmax(o, node, maker); }
  Made operator()(const Stft& o) const { return make_stft(o, node, maker); }
  Made operator()(const TopK& o) const { return make_top_k(o, node, maker); }
  Made operator()(const Transpose& o) const { return make_transpose(o, node, maker); }
  Made operator()(const Trilu& o) const { return make_trilu(o, node, maker); }
  Made operator()(const Unary& o) const { return make_unary(o, node, maker); }
  Made operator()(const Where&) const { return make_where(node, maker); }
  // These are patterns of their own, or vanish before any backend sees them.
  Made operator()(const Conv&) const { return nullptr; }
  Made operator()(const ConvTranspose&) const { return nullptr; }
  Made operator()(const GroupNorm&) const { return nullptr; }
  Made operator()(const Reshape&) const { return nullptr; }
};

class CpuBackend final : public Backend {
 public:
  CpuBackend(const GemmKernel& kernel, std::size_t threads,
             const ToleranceConfiguration& tolerances)
      : tolerances_(tolerances),
        fp32_(tolerances.linear_batch_threshold),
        kernel_(with_few_rows(kernel)),
        input_kernel_(with_few_rows(input_kernel(kernel))),
        threads_(threads) {}

  std::string_view name() const noexcept override { return "cpu"; }
  std::shared_ptr<AudioDevice> device() const override { return nullptr; }

  std::string refusal(const Graph& graph, const Node& node) const override {
    if (std::holds_alternative<Rotary>(node.operation) && !has_constant_weights(graph, node)) {
      return "the frequencies are not constant";
    }
    return {};
  }

  std::vector<StepPlan> plan_steps(const Graph& graph, std::span<const int> nodes,
                                   bool fuse) const override {
    Matcher matcher(graph, nodes);
    const auto halves = std::make_shared<HalfValues>();
    std::vector<StepPlan> plans;
    for (const int index : nodes) {
      if (matcher.taken(index)) continue;
      plans.push_back(plan_step(matcher, index, fuse, halves));
    }
    halves->decide(matcher);
    return plans;
  }

  std::size_t scratch_bytes(std::span<const std::unique_ptr<Step>> steps,
                            ThreadPool* pool) const override {
    return needs_of(steps).bytes() * (pool != nullptr ? pool->threads() : 1);
  }

  std::unique_ptr<Runner> make_runner(std::span<const std::unique_ptr<Step>> steps,
                                      std::span<const StepsBefore>,
                                      ThreadPool* pool) const override {
    return std::make_unique<CpuRunner>(steps, pool);
  }

 private:
  const GemmKernel& with_few_rows(const GemmKernel& kernel) const {
    return &kernel == &gemm_kernel(Precision::fp32) ? fp32_ : kernel;
  }

  /// What the first layers of a waveform lose, all that follow lose: of the noise of bf16 they made two
  /// thirds on clicks over silence, where the same roundings come back at every position. They have
  /// few channels: 16 bits of their factors cost the whole of HTDemucs nothing that shows.
  static const GemmKernel& input_kernel(const GemmKernel& kernel) {
    return &kernel == &gemm_kernel(Precision::bf16) ? gemm_kernel(Precision::automatic) : kernel;
  }
  static bool reads_waveform(const Graph& graph, int index) {
    const Node& node = graph.nodes()[static_cast<std::size_t>(index)];
    if (!std::holds_alternative<Conv>(node.operation)) return false;
    const Shape& result = graph.shape(node.results[0]);
    return graph.info(node.inputs[Conv::x]).kind == ValueKind::input && result.rank() > 1 &&
           depth_of(graph.shape(node.inputs[Conv::weight])) <= kPairTileDepth &&
           is_waveform(extent(result[result.rank() - 2]), extent(result.back()));
  }
  static std::size_t extent(std::int64_t n) { return static_cast<std::size_t>(n); }
  static std::size_t depth_of(const Shape& weight) {
    return weight.size() / std::max<std::size_t>(1, extent(weight[0]));
  }

  StepPlan plan_step(Matcher& matcher, int index, bool fuse,
                     const std::shared_ptr<HalfValues>& halves) const {
    const Graph& graph = matcher.graph();
    switch (way_of(graph, matcher.node(index))) {
      case Way::in_float32:
        matcher.take(index);
        return plan_in_float32(graph, index, [this](const Graph& small, int node) {
          return std::move(plan_steps(small, {&node, 1}, false).front());
        });
      case Way::general:
        matcher.take(index);
        return general(graph, index);
      case Way::fast:
        break;
    }
    const GemmKernel& kernel = reads_waveform(graph, index) ? input_kernel_ : kernel_;
    std::optional<StepPlan> plan;
    if (fuse) plan = match_dconv(matcher, index, nullptr, kernel, threads_, tolerances_, halves);
    if (fuse && !plan) plan = match_linear_layers(matcher, index, kernel);
    if (!plan) plan = match_conv(matcher, index, kernel, fuse, threads_, tolerances_, halves);
    if (!plan) plan = match_group_norm(matcher, index, fuse);
    return plan ? std::move(*plan) : single(graph, index);
  }

  /// Reads all its inputs when it runs.
  static StepPlan general(const Graph& graph, int index) {
    const Node& node = graph.nodes()[static_cast<std::size_t>(index)];
    StepPlan plan{std::string(name_of(node.operation)),
                  {index},
                  node.inputs,
                  node.results,
                  cost_of(graph, node),
                  {}};
    plan.make = [&node](StepMaker& maker) {
      return std::visit(
          [&](const auto& operation) -> std::unique_ptr<Step> {
            if constexpr (requires { make_general(operation, node, maker); }) {
              return make_general(operation, node, maker);
            } else {
              return nullptr;  // WayOf never says so
            }
          },
          node.operation);
    };
    return plan;
  }

  StepPlan single(const Graph& graph, int index) const {
    const Node& node = graph.nodes()[static_cast<std::size_t>(index)];
    StepPlan plan{
        std::string(name_of(node.operation)), {index}, {}, node.results, cost_of(graph, node), {}};
    const std::span<const Role> roles = roles_of(node.operation);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const Role role = roles[std::min(i, roles.size() - 1)];
      bool packed = packs_weights(node.operation) && is_weight(role);
      if (std::holds_alternative<MatMul>(node.operation) && i == MatMul::b) {
        packed = packs_matrix(graph, node);
      }
      if (!packed) plan.inputs.push_back(node.inputs[i]);
    }
    plan.make = [this, &node](StepMaker& maker) {
      return std::visit(SingleStep{kernel_, node, maker}, node.operation);
    };
    return plan;
  }

  ToleranceConfiguration tolerances_;
  GemmFewRows fp32_;
  const GemmKernel& kernel_;
  const GemmKernel& input_kernel_;  ///< of the first layers of a waveform
  std::size_t threads_;
};

}  // namespace

std::shared_ptr<const Backend> make_backend(const GemmKernel& kernel, std::size_t threads,
                                            const ToleranceConfiguration& tolerances) {
  return std::make_shared<CpuBackend>(kernel, threads, tolerances);
}

}  // namespace cpu

namespace {

const cpu::GemmKernel& kernel_of(Precision precision) {
  if (precision == Precision::tf32 || precision == Precision::fp16) {
    fail(ErrorCode::unsupported, "[nn::Plan] precision {} on the CPU: expected fp32, bf16 or auto",
         to_string(precision));
  }
  return cpu::gemm_kernel(precision);
}

}  // namespace

std::shared_ptr<const Backend> make_cpu_backend(Precision precision, std::size_t threads,
                                                const ToleranceConfiguration& tolerances) {
  return cpu::make_backend(kernel_of(precision), threads, tolerances);
}

std::string_view cpu_arithmetic(Precision precision) {
  // Of many rows, a deep matrix and many columns.
  constexpr cpu::MatrixSize kLarge{512, 512};
  const cpu::GemmKernel& kernel = kernel_of(precision);
  return kernel.name() == "fp32" ? cpu::float32_kernel(kernel, kLarge, 512).name() : kernel.name();
}

}  // namespace metalaudio::nn
