#include <metalaudio/core/error.h>
#include <metalaudio/nn/cpu/kernel.h>
#include <metalaudio/nn/graph/arena.h>
#include <metalaudio/nn/graph/schedule.h>
#include <metalaudio/nn/plan.h>

#include <chrono>

namespace metalaudio::nn {

namespace {

/// A value as the plan keeps it once the graph may be gone.
struct Port {
  std::string name;
  float* data;
  std::size_t size;
};

struct PlannedStep {
  std::string kind;
  std::string label;
  Shape shape;
  std::vector<int> inputs;
  int output;
  double milliseconds = 0;
  std::unique_ptr<cpu::Kernel> kernel;
};

/// How many of a step's inputs are data; the others are weights.
std::size_t data_inputs(StepKind kind) {
  if (kind == StepKind::attention) return 3;
  return kind == StepKind::add || kind == StepKind::multiply ? 2 : 1;
}

/// The steps between which every value lives; -1 is before the first step.
std::vector<Lifetime> lifetimes_of(const Graph& graph, const Schedule& schedule) {
  std::vector<Lifetime> lives(graph.nodes().size(), Lifetime{0, -1, -1});
  const auto last = static_cast<int>(schedule.steps().size());
  const auto hold = [&](Value value, int step) {
    Lifetime& life = lives[static_cast<std::size_t>(schedule.resolve(value).index)];
    life.last_step = std::max(life.last_step, step);
  };
  const auto create = [&](Value value, int step) {
    Lifetime& life = lives[static_cast<std::size_t>(value.index)];
    life = {static_cast<std::size_t>(graph.shape(value).size()), step, step};
  };
  for (const auto& [name, value] : graph.inputs()) create(value, -1);
  for (int i = 0; i < last; ++i) {
    const Step& step = schedule.steps()[static_cast<std::size_t>(i)];
    create(step.output, i);
    for (const Value input : step.inputs) hold(input, i);
    if (step.residual.index >= 0) hold(step.residual, i);
  }
  for (const auto& [name, value] : graph.outputs()) hold(value, last);
  return lives;
}

}  // namespace

struct Plan::Impl {
  Impl(const Graph& graph, const PlanOptions& options)
      : workers(options.pool), timing(options.timing) {
    const Schedule schedule(graph);
    lay_out(graph, schedule, options.memory_limit_bytes);
    make_kernels(graph, schedule, options.precision == Precision::bf16);
    for (const auto& [name, value] : graph.inputs()) inputs.push_back(port(graph, name, value));
    for (const auto& [name, value] : graph.outputs()) outputs.push_back(port(graph, name, value));
  }

  void lay_out(const Graph& graph, const Schedule& schedule, std::size_t limit_bytes) {
    const std::vector<Lifetime> lives = lifetimes_of(graph, schedule);
    const ArenaLayout layout = lay_out_arena(lives);
    if (layout.size > limit_bytes / sizeof(float)) {
      fail(ErrorCode::out_of_memory, "[nn::Plan] activations of {} MiB: {} MiB are allowed",
           layout.size / ((1U << 20) / sizeof(float)), limit_bytes >> 20U);
    }
    arena = Tensor({static_cast<std::int64_t>(layout.size)});
    statistics.activation_bytes = layout.size * sizeof(float);
    memory.resize(lives.size());
    for (std::size_t i = 0; i < lives.size(); ++i) {
      const Node& node = graph.nodes()[i];
      const auto owner = static_cast<std::size_t>(schedule.resolve({static_cast<int>(i)}).index);
      statistics.unshared_bytes += lives[i].size * sizeof(float);
      if (node.kind != OperationKind::constant) statistics.operations += 1;
      if (lives[owner].size > 0) memory[i] = arena.data() + layout.offsets[owner];
    }
  }

  void make_kernels(const Graph& graph, const Schedule& schedule, bool round_to_bf16) {
    place_constants(graph, schedule);
    const cpu::KernelContext context{graph, memory, workers, round_to_bf16};
    for (const Step& step : schedule.steps()) {
      PlannedStep planned;
      planned.kind = to_string(step.kind);
      planned.label = step.label;
      planned.shape = graph.shape(step.output);
      planned.output = step.output.index;
      for (const Value input : step.inputs) {
        const Value owner = schedule.resolve(input);
        if (graph.node(owner).kind != OperationKind::constant)
          planned.inputs.push_back(owner.index);
      }
      if (step.residual.index >= 0) planned.inputs.push_back(schedule.resolve(step.residual).index);
      planned.kernel = cpu::make_kernel(step, context);
      statistics.weight_bytes += planned.kernel->weight_bytes();
      steps.push_back(std::move(planned));
    }
    statistics.steps = steps.size();
  }

  /// Constants that a kernel reads as data (a term of a sum, say) stay with the plan; weights are
  /// packed by their kernels and need no place.
  void place_constants(const Graph& graph, const Schedule& schedule) {
    const auto place = [&](Value value) {
      const Node& node = graph.node(schedule.resolve(value));
      if (node.kind != OperationKind::constant) return;
      constants.push_back(*node.constant);
      memory[static_cast<std::size_t>(value.index)] = constants.back().data();
      statistics.weight_bytes += constants.back().size() * sizeof(float);
    };
    for (const Step& step : schedule.steps()) {
      if (step.residual.index >= 0) place(step.residual);
      for (std::size_t i = 0; i < data_inputs(step.kind); ++i) place(step.inputs[i]);
    }
  }

  Port port(const Graph& graph, const std::string& name, Value value) const {
    return {name, memory[static_cast<std::size_t>(value.index)],
            static_cast<std::size_t>(graph.shape(value).size())};
  }

  static const Port& find(const std::vector<Port>& ports, std::string_view name) {
    for (const Port& port : ports) {
      if (port.name == name) return port;
    }
    fail(ErrorCode::not_found, "[nn::Plan] no input or output is called {}", name);
  }

  cpu::Workers workers;
  bool timing;
  Tensor arena;
  std::vector<Tensor> constants;
  std::vector<float*> memory;
  std::vector<PlannedStep> steps;
  std::vector<Port> inputs;
  std::vector<Port> outputs;
  PlanStatistics statistics;
};

Plan::Plan(const Graph& graph, const PlanOptions& options)
    : impl_(std::make_unique<Impl>(graph, options)) {}
Plan::~Plan() = default;
Plan::Plan(Plan&&) noexcept = default;
Plan& Plan::operator=(Plan&&) noexcept = default;

std::span<float> Plan::input(std::string_view name) {
  const Port& port = Impl::find(impl_->inputs, name);
  return {port.data, port.size};
}

std::span<const float> Plan::output(std::string_view name) const {
  const Port& port = Impl::find(impl_->outputs, name);
  return {port.data, port.size};
}

void Plan::run() noexcept {
  if (!impl_->timing) {
    for (PlannedStep& step : impl_->steps) step.kernel->run(impl_->workers);
    return;
  }
  for (PlannedStep& step : impl_->steps) {
    const auto start = std::chrono::steady_clock::now();
    step.kernel->run(impl_->workers);
    const auto time = std::chrono::steady_clock::now() - start;
    step.milliseconds = std::chrono::duration<double, std::milli>(time).count();
  }
}

const PlanStatistics& Plan::statistics() const noexcept { return impl_->statistics; }

std::string Plan::report() const {
  const PlanStatistics& s = impl_->statistics;
  constexpr double kMiB = 1024.0 * 1024.0;
  std::string text = fmt::format(
      "{} operations in {} steps; activations {:.1f} MiB ({:.1f} MiB unshared), weights {:.1f} "
      "MiB\n",
      s.operations, s.steps, s.activation_bytes / kMiB, s.unshared_bytes / kMiB,
      s.weight_bytes / kMiB);
  for (const PlannedStep& step : impl_->steps) {
    text += fmt::format("{:9.3f} ms  {:<14} {:<20} {}\n", step.milliseconds, step.kind,
                        step.shape.to_string(), step.label);
  }
  return text;
}

std::string Plan::graphviz() const {
  std::string text = "digraph plan {\n  node [shape=box];\n";
  for (const Port& port : impl_->inputs) {
    text += fmt::format("  \"{}\" [shape=ellipse];\n", port.name);
  }
  for (const PlannedStep& step : impl_->steps) {
    text += fmt::format("  v{} [label=\"{} {}\\n{}\"];\n", step.output, step.kind,
                        step.shape.to_string(), step.label);
    for (const int input : step.inputs) text += fmt::format("  v{} -> v{};\n", input, step.output);
  }
  return text + "}\n";
}

}  // namespace metalaudio::nn
