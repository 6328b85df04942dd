#include <metalaudio/core/hardware_profile.h>
#include <metalaudio/nn/graph_inference.h>
#include <metalaudio/nn/plan.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cmath>
#include <cstring>
#include <thread>

namespace metalaudio::nn {

GraphInferenceOptions& GraphInferenceOptions::bind_constant(std::string input, double value) {
  model.constants[std::move(input)] = value;
  return *this;
}
GraphInferenceOptions& GraphInferenceOptions::bind_constant(std::string input, Tensor value) {
  model.constants[std::move(input)] = std::move(value);
  return *this;
}
GraphInferenceOptions& GraphInferenceOptions::fix_shape(std::string input, const Shape& shape) {
  model.shapes[std::move(input)] = shape;
  return *this;
}
GraphInferenceOptions& GraphInferenceOptions::fix_dimension(std::string symbol,
                                                            std::int64_t extent) {
  model.dimensions[std::move(symbol)] = extent;
  return *this;
}
GraphInferenceOptions& GraphInferenceOptions::link_state(std::string output, std::string input) {
  model.states.push_back({std::move(output), std::move(input), std::nullopt, false});
  return *this;
}
GraphInferenceOptions& GraphInferenceOptions::link_state(std::string output, std::string input,
                                                         Tensor initial) {
  model.states.push_back({std::move(output), std::move(input), std::move(initial), false});
  return *this;
}
GraphInferenceOptions& GraphInferenceOptions::carry_states(bool carry) {
  model.carry_states = carry;
  return *this;
}

namespace {

/// Who has the workspace. The audio thread only ever tries.
enum class Owner : std::uint8_t { nobody, audio_thread, dropped };

bool is_finite(const ConstTensorView& view) noexcept {
  if (!is_floating(view.type())) return true;
  return visit_type(view.type(), [&]<typename T>(std::type_identity<T>) {
    const auto values = view.values_as<T>();
    return std::all_of(values.begin(), values.end(), [](T value) {
      if constexpr (std::is_integral_v<T>) {
        return true;
      } else if constexpr (sizeof(T) == 2) {
        return std::isfinite(static_cast<float>(value));
      } else {
        return std::isfinite(value);
      }
    });
  });
}

}  // namespace

struct GraphInference::Impl {
  Impl(Plan compiled, std::vector<GraphPort> in, std::vector<GraphPort> out,
       const GraphInferenceOptions& options)
      : plan(std::move(compiled)),
        inputs(std::move(in)),
        outputs(std::move(out)),
        guard(options.guard),
        on_memory_pressure(options.on_memory_pressure) {
    find_views();
  }

  static std::unique_ptr<Impl> make(const Graph& graph, const GraphInferenceOptions& options) {
    PlanOptions planning;
    planning.precision = options.precision;
    planning.pool = options.pool;
    planning.timing = options.timing;
    planning.tolerances = options.tolerances;
    // Of a small machine or container: what takes more would not end in an Error.
    if (const std::size_t memory = HardwareProfile::detect().memory_bytes; memory > 0) {
      planning.memory_limit_bytes = std::min(planning.memory_limit_bytes, memory);
    }
    std::vector<GraphPort> inputs;
    std::vector<GraphPort> outputs;
    for (const auto& [name, value] : graph.inputs()) inputs.push_back({name, graph.type(value)});
    for (const auto& [name, value] : graph.outputs()) outputs.push_back({name, graph.type(value)});
    return std::make_unique<Impl>(Plan(graph, planning), std::move(inputs), std::move(outputs),
                                  options);
  }

  static std::unique_ptr<Impl> make(const std::filesystem::path& path,
                                    const GraphInferenceOptions& options) {
    const Graph graph = import_onnx(path, options.model);
    try {
      return make(graph, options);
    } catch (const Error& error) {
      std::string_view reason = error.what();
      if (reason.starts_with("[nn::Plan] ")) reason.remove_prefix(reason.find(' ') + 1);
      fail(error.code(), "[nn::Plan] {}: {}", path.string(), reason);
    }
  }

  /// Names are looked up once, so that predict() has none.
  void find_views() {
    input_views.clear();
    output_views.clear();
    for (const GraphPort& port : inputs) input_views.push_back(plan.input(port.name));
    for (const GraphPort& port : outputs) output_views.push_back(plan.output(port.name));
  }

  bool enter() noexcept {
    Owner free = Owner::nobody;
    return owner.compare_exchange_strong(free, Owner::audio_thread, std::memory_order_acquire);
  }
  void leave() noexcept { owner.store(Owner::nobody, std::memory_order_release); }

  void silence(std::span<const TensorView> to, Trouble trouble) noexcept {
    for (const TensorView& view : to) {
      if (view.bytes() > 0) std::memset(view.address(), 0, view.bytes());
    }
    status.report(trouble);
  }

  Plan plan;
  std::vector<GraphPort> inputs;
  std::vector<GraphPort> outputs;
  std::vector<TensorView> input_views;
  std::vector<ConstTensorView> output_views;
  bool guard;
  std::function<MemoryAnswer(PressureLevel)> on_memory_pressure;
  RealtimeStatus status;
  std::atomic<Owner> owner{Owner::nobody};
};

GraphInference::GraphInference(const std::filesystem::path& path,
                               const GraphInferenceOptions& options)
    : impl_(Impl::make(path, options)) {}
GraphInference::GraphInference(std::span<const std::byte> model,
                               const GraphInferenceOptions& options)
    : impl_(Impl::make(import_onnx(model, options.model), options)) {}
GraphInference::GraphInference(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GraphInference::~GraphInference() = default;
GraphInference::GraphInference(GraphInference&&) noexcept = default;
GraphInference& GraphInference::operator=(GraphInference&&) noexcept = default;

GraphInference GraphInference::clone() const {
  GraphInferenceOptions options;
  options.guard = impl_->guard;
  options.on_memory_pressure = impl_->on_memory_pressure;
  return GraphInference(
      std::make_unique<Impl>(impl_->plan.clone(), impl_->inputs, impl_->outputs, options));
}

std::span<const GraphPort> GraphInference::inputs() const noexcept { return impl_->inputs; }
std::span<const GraphPort> GraphInference::outputs() const noexcept { return impl_->outputs; }

void GraphInference::predict(std::span<const ConstTensorView> inputs,
                             std::span<const TensorView> outputs) noexcept {
  Impl& impl = *impl_;
  assert(inputs.size() == impl.inputs.size() && outputs.size() == impl.outputs.size());
  if (!impl.enter()) {
    impl.silence(outputs, Trouble::memory_dropped);
    return;
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const TensorView& to = impl.input_views[i];
    assert(inputs[i].type() == to.type() && inputs[i].size() == to.size());
    if (to.bytes() > 0) std::memcpy(to.address(), inputs[i].address(), to.bytes());
  }
  impl.plan.run();
  bool finite = true;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const ConstTensorView& from = impl.output_views[i];
    assert(outputs[i].type() == from.type() && outputs[i].size() == from.size());
    if (from.bytes() > 0) std::memcpy(outputs[i].address(), from.address(), from.bytes());
    finite = finite && (!impl.guard || is_finite(from));
  }
  if (!finite) impl.plan.reset();
  impl.leave();
  if (!finite) impl.silence(outputs, Trouble::output_silenced);
}

void GraphInference::predict(std::span<const float> input, std::span<float> output) noexcept {
  const ConstTensorView from(DataType::f32, Shape{static_cast<std::int64_t>(input.size())},
                             input.data());
  const TensorView to(DataType::f32, Shape{static_cast<std::int64_t>(output.size())},
                      output.data());
  predict(std::span(&from, 1), std::span(&to, 1));
}

void GraphInference::reset() noexcept {
  if (!impl_->enter()) return;  // what was dropped begins anew
  impl_->plan.reset();
  impl_->leave();
}

RealtimeStatus& GraphInference::status() noexcept { return impl_->status; }

void GraphInference::relieve(PressureLevel level) {
  if (level == PressureLevel::none || !impl_->on_memory_pressure) return;
  if (impl_->on_memory_pressure(level) == MemoryAnswer::drop) drop_memory();
}

void GraphInference::drop_memory() noexcept {
  Owner free = Owner::nobody;
  while (!impl_->owner.compare_exchange_weak(free, Owner::dropped, std::memory_order_acquire)) {
    if (free == Owner::dropped) return;
    free = Owner::nobody;
    std::this_thread::yield();  // a step is running; it never waits for us
  }
  impl_->plan.drop_memory();
}

void GraphInference::prepare() {
  if (impl_->owner.load(std::memory_order_acquire) != Owner::dropped) return;
  impl_->plan.prepare();
  impl_->find_views();
  impl_->leave();
}

std::size_t GraphInference::memory_usage() const noexcept {
  const PlanStatistics& statistics = impl_->plan.statistics();
  return statistics.weight_bytes + statistics.activation_bytes + statistics.state_bytes;
}

PlanReport GraphInference::profile() const { return impl_->plan.report(); }
std::string GraphInference::to_dot() const { return impl_->plan.graphviz(); }

}  // namespace metalaudio::nn
