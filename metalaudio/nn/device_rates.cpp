#include <metalaudio/nn/cpu_backend.h>
#include <metalaudio/nn/device_rates.h>
#include <metalaudio/nn/plan.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

namespace metalaudio::nn {

namespace {

/// A constant that no kernel looks at.
Value weight(Graph& graph, const Shape& shape) {
  Tensor tensor(shape);
  std::fill(tensor.values().begin(), tensor.values().end(), 0.01F);
  return graph.constant(std::move(tensor));
}

Graph convolution(std::int64_t frames, std::int64_t channels) {
  Graph graph;
  const Value x = graph.input("x", {1, frames, channels});
  graph.output("y", graph.apply(Conv{{{3, 1, 1, 1, 1}}}, {x, weight(graph, {channels, 3, channels}),
                                                          weight(graph, {channels})}));
  return graph;
}

/// Steps that nothing fuses.
Graph chain(std::int64_t steps, std::int64_t values) {
  Graph graph;
  Value y = graph.input("x", {values});
  for (std::int64_t i = 0; i < steps; ++i) y = graph.apply(Unary{UnaryFunction::tanh}, {y});
  graph.output("y", y);
  return graph;
}

Graph sum(std::int64_t values) {
  Graph graph;
  const Value x = graph.input("x", {values});
  graph.output("y", graph.apply(Binary{BinaryFunction::add}, {x, graph.input("z", {values})}));
  return graph;
}

Graph recurrent(std::int64_t tokens, std::int64_t hidden) {
  Graph graph;
  const Value x = graph.input("x", {1, tokens, hidden});
  graph.output("y", graph.apply_all(Lstm{}, {x, weight(graph, {1, 4 * hidden, hidden}),
                                             weight(graph, {1, 4 * hidden, hidden})})[0]);
  return graph;
}

struct Bench {
  std::shared_ptr<const Backend> backend;

  /// The best of many runs, with inputs and outputs in the backend's memory or the host's.
  double seconds(const Graph& graph, bool on_host = false) const {
    using Clock = std::chrono::steady_clock;
    PlanOptions options;
    options.backends = {backend};
    if (!on_host) options.ports_place = 0;
    Plan plan(graph, options);
    const std::shared_ptr<AudioDevice> device = backend->device();
    constexpr int kTogether = 4;
    double best = std::numeric_limits<double>::max();
    const Clock::time_point end = Clock::now() + std::chrono::milliseconds(60);
    for (int round = 0; round < 3 || Clock::now() < end; ++round) {
      const Clock::time_point start = Clock::now();
      for (int run = 0; run < kTogether; ++run) plan.run();
      if (device) device->synchronize();
      best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
    }
    return best / kTogether;
  }

  /// Of work that is long beside what a step takes at least: `size` grows until it is.
  template <typename Work>
  double per_second(std::int64_t size, double amount, Work&& work) const {
    constexpr double kLong = 200e-6;
    for (;; size *= 4) {
      const double time = seconds(work(size));
      if (time >= kLong) return static_cast<double>(size) * amount / time;
    }
  }
  double operations_per_second() const {
    constexpr std::int64_t kChannels = 128;
    return per_second(1024, 6 * kChannels * kChannels,
                      [](std::int64_t frames) { return convolution(frames, kChannels); });
  }
  double bytes_per_second() const { return per_second(1 << 18, 3 * 4, sum); }
};

std::size_t count(double number) {
  return static_cast<std::size_t>(std::max<long long>(1, std::llround(number)));
}

}  // namespace

void measure_device_rates(const std::shared_ptr<const Backend>& gpu,
                          ToleranceConfiguration& figures) {
  const Bench here{make_cpu_backend()};
  figures.cpu_mflop_rate = count(here.operations_per_second() * 1e-6);
  figures.cpu_mbyte_rate = count(here.bytes_per_second() * 1e-6);
  if (gpu == nullptr) return;
  const Bench there{gpu};
  figures.gpu_mflop_rate = count(there.operations_per_second() * 1e-6);
  figures.gpu_mbyte_rate = count(there.bytes_per_second() * 1e-6);
  constexpr std::int64_t kSteps = 100;
  const double step = there.seconds(chain(kSteps, 64)) / kSteps;
  figures.gpu_step_ns = count(1e9 * step);
  constexpr std::int64_t kTokens = 256;
  figures.gpu_round_ns = count(1e9 * there.seconds(recurrent(kTokens, 128)) / kTokens);
  // There and back again.
  const double few = there.seconds(chain(1, 64), true);
  constexpr std::int64_t kMany = 1 << 20;
  const double many = there.seconds(chain(1, kMany), true);
  figures.gpu_copy_ns = count(1e9 * (few - step) / 2);
  figures.gpu_copy_mbyte_rate = count(1e-6 * 2 * 4 * kMany / std::max(1e-9, many - few));
}

}  // namespace metalaudio::nn
