#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/realtime/denormals.h>
#include <metalaudio/nn/compiler/program.h>
#include <metalaudio/nn/compiler/workspace.h>
#include <metalaudio/nn/plan.h>

#include <chrono>
#include <optional>
#include <utility>

namespace metalaudio::nn {

struct Plan::Impl {
  Impl(std::shared_ptr<const Program> compiled, ThreadPool* threads, bool measure)
      : shared_program(std::move(compiled)),
        workspace(std::in_place, shared_program, threads),
        pool(threads),
        timing(measure),
        milliseconds(program().reports.size()) {}

  const Program& program() const noexcept { return *shared_program; }

  void run_timed() noexcept {
    using Clock = std::chrono::steady_clock;
    Clock::time_point start = Clock::now();
    workspace->run_timed([&](std::size_t step) {
      const Clock::time_point now = Clock::now();
      milliseconds[step] = std::chrono::duration<double, std::milli>(now - start).count();
      start = now;
    });
  }

  static const Port& find(const std::vector<Port>& ports, std::string_view name, const char* what) {
    for (const Port& port : ports) {
      if (port.name == name) return port;
    }
    fail(ErrorCode::not_found, "[nn::Plan] no {} is called {}", what, name);
  }

  AudioDevice* device_of(const Port& port) const noexcept {
    const SlotInfo& slot = program().slots[static_cast<std::size_t>(port.slot.index)];
    return program().places[static_cast<std::size_t>(slot.place)].device.get();
  }

  std::shared_ptr<const Program> shared_program;
  std::optional<Workspace> workspace;
  ThreadPool* pool;
  bool timing;
  std::vector<double> milliseconds;
};

Plan::Plan(const Graph& graph, const PlanOptions& options)
    : impl_(std::make_unique<Impl>(compile(graph, options), options.pool, options.timing)) {}
Plan::Plan(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Plan::~Plan() = default;
Plan::Plan(Plan&&) noexcept = default;
Plan& Plan::operator=(Plan&&) noexcept = default;

Plan Plan::clone() const { return clone(impl_->pool); }

Plan Plan::clone(ThreadPool* pool) const {
  return Plan(std::make_unique<Impl>(impl_->shared_program, pool, impl_->timing));
}

TensorView Plan::input(std::string_view name) {
  const Port& port = Impl::find(impl_->program().inputs, name, "input");
  const SlotAddress at = impl_->workspace->address(port.slot);
  return {port.type.type, port.type.shape, at.handle, at.offset, impl_->device_of(port)};
}

ConstTensorView Plan::output(std::string_view name) const {
  const Port& port = Impl::find(impl_->program().outputs, name, "output");
  const SlotAddress at = impl_->workspace->address(port.slot);
  return {port.type.type, port.type.shape, at.handle, at.offset, impl_->device_of(port)};
}

void Plan::run() noexcept {
  const FlushDenormals flush;
  if (impl_->timing) {
    impl_->run_timed();
  } else {
    impl_->workspace->run();
  }
}

bool Plan::lost() const noexcept { return impl_->workspace->lost(); }

void Plan::reset() noexcept { impl_->workspace->reset(); }

void Plan::drop_memory() noexcept { impl_->workspace.reset(); }

void Plan::prepare() {
  if (!impl_->workspace) impl_->workspace.emplace(impl_->shared_program, impl_->pool);
}

void Plan::take_states(const Plan& other) noexcept {
  impl_->workspace->take_states(*other.impl_->workspace);
}

const PlanStatistics& Plan::statistics() const noexcept { return impl_->program().statistics; }

PlanReport Plan::report() const {
  PlanReport report{statistics(), impl_->program().reports, impl_->program().placement};
  for (std::size_t i = 0; i < report.steps.size(); ++i) {
    report.steps[i].milliseconds = impl_->milliseconds[i];
  }
  return report;
}

std::string Plan::graphviz() const {
  const Program& program = impl_->program();
  std::string text = "digraph plan {\n  node [shape=box];\n";
  std::vector<std::string> makers(program.slots.size());
  const auto draw_edge = [&](int slot, const std::string& to) {
    const std::string& from = makers[static_cast<std::size_t>(slot)];
    if (!from.empty()) text += fmt::format("  {} -> {};\n", from, to);
  };
  std::size_t number = 0;
  for (const Port& port : program.inputs) {
    std::string& name = makers[static_cast<std::size_t>(port.slot.index)];
    name = fmt::format("in{}", number++);
    text += fmt::format("  {} [shape=ellipse, label=\"{}\\n{}\"];\n", name, port.name,
                        port.type.to_string());
  }
  for (const ProgramItem& item : program.items) {
    if (item.copy) {
      const std::string name = fmt::format("copy{}", number++);
      text += fmt::format("  {} [shape=oval, label=\"copy\"];\n", name);
      draw_edge(item.from.index, name);
      makers[static_cast<std::size_t>(item.to.index)] = name;
      continue;
    }
    for (std::size_t s = item.first; s < item.last; ++s) {
      const std::size_t index = program.places[static_cast<std::size_t>(item.place)].reports[s];
      const StepReport& step = program.reports[index];
      const std::string name = fmt::format("step{}", index);
      text +=
          fmt::format("  {} [label=\"{} {}\\n{}\"];\n", name, step.kind, step.result, step.label);
      for (const int slot : program.edges[index].inputs) draw_edge(slot, name);
      for (const int slot : program.edges[index].results) {
        makers[static_cast<std::size_t>(slot)] = name;
      }
    }
  }
  return text + "}\n";
}

std::string PlanReport::table() const {
  constexpr double kMiB = 1024.0 * 1024.0;
  const PlanStatistics& s = statistics;
  std::string text = fmt::format(
      "{} in {} and {}; values {:.1f} MiB ({:.1f} MiB unshared), states "
      "{:.1f} KiB, weights {:.1f} MiB\n",
      counted(s.operations, "operation"), counted(s.steps, "step"), counted(s.copies, "copy"),
      static_cast<double>(s.activation_bytes) / kMiB, static_cast<double>(s.unshared_bytes) / kMiB,
      static_cast<double>(s.state_bytes) / 1024.0, static_cast<double>(s.weight_bytes) / kMiB);
  text += fmt::format("{:>9}  {:>9}  {:>9}  {:>8}  {:>7}  {:<6} {:<28} {:<22} {}\n", "ms", "MFLOP",
                      "MB", "GFLOP/s", "GB/s", "device", "step", "result", "where");
  for (const StepReport& step : steps) {
    const double seconds = step.milliseconds * 1e-3;
    const auto rate = [seconds](double amount) {
      return seconds > 0 ? fmt::format("{:.1f}", amount / seconds * 1e-9) : std::string("-");
    };
    text += fmt::format("{:9.3f}  {:9.2f}  {:9.2f}  {:>8}  {:>7}  {:<6} {:<28} {:<22} {}\n",
                        step.milliseconds, step.cost.operations * 1e-6, step.cost.bytes * 1e-6,
                        rate(step.cost.operations), rate(step.cost.bytes), step.backend, step.kind,
                        step.result, step.label);
  }
  return text + placement;
}

}  // namespace metalaudio::nn
