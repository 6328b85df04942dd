#include <metalaudio/nn/compiler/least_time.h>
#include <metalaudio/nn/compiler/minimum_cut.h>
#include <metalaudio/nn/compiler/place_nodes.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace metalaudio::nn {

namespace {

// Vertices of the cut: both ends, then the nodes.
constexpr int kGpu = 0;
constexpr int kCpu = 1;
constexpr int kFirstNode = 2;

double rate(std::size_t millions) {
  return 1e6 * static_cast<double>(std::max<std::size_t>(1, millions));
}

std::int64_t to_nanoseconds(double seconds) { return std::llround(1e9 * std::min(seconds, 1e6)); }

}  // namespace

TimeModel::TimeModel(const Graph& graph, std::span<const std::shared_ptr<const Backend>> backends,
                     Sides sides, std::vector<std::optional<int>> places,
                     const PlanOptions& options)
    : sides_(sides),
      figures_(options.tolerances),
      threads_(options.pool == nullptr ? 1.0 : static_cast<double>(options.pool->threads())),
      places_(std::move(places)),
      on_cpu_(places_.size()),
      on_gpu_(places_.size()) {
  for (const auto& backend : backends) is_device_.push_back(backend->device() != nullptr);
  time_nodes(graph, *backends[static_cast<std::size_t>(sides.cpu)], sides.cpu, options.fuse);
  time_nodes(graph, *backends[static_cast<std::size_t>(sides.gpu)], sides.gpu, options.fuse);
  const auto ports = static_cast<std::size_t>(options.ports_place.value_or(sides.cpu));
  find_crossings(graph, ports < is_device_.size() && is_device_[ports] ? kGpu : kCpu);
}

/// As the backend would group them if it had them all: each node has its share of its step.
void TimeModel::time_nodes(const Graph& graph, const Backend& backend, int side, bool fuse) {
  std::vector<int> nodes;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (!places_[i] || *places_[i] == side) nodes.push_back(static_cast<int>(i));
  }
  std::vector<std::int64_t>& times = side == sides_.gpu ? on_gpu_ : on_cpu_;
  for (const StepPlan& step : backend.plan_steps(graph, nodes, fuse)) {
    const std::int64_t share =
        time_of(step.cost, side) / static_cast<std::int64_t>(step.nodes.size());
    for (const int node : step.nodes) times[static_cast<std::size_t>(node)] = share;
  }
}

std::int64_t TimeModel::time_of(const StepCost& cost, int side) const {
  const ToleranceConfiguration& f = figures_;
  if (side == sides_.cpu) {
    return to_nanoseconds(std::max(cost.operations / (threads_ * rate(f.cpu_mflop_rate)),
                                   cost.bytes / (threads_ * rate(f.cpu_mbyte_rate))));
  }
  return to_nanoseconds(
      1e-9 *
          (static_cast<double>(f.gpu_step_ns) + cost.rounds * static_cast<double>(f.gpu_round_ns)) +
      std::max(cost.operations / rate(f.gpu_mflop_rate), cost.bytes / rate(f.gpu_mbyte_rate)));
}

/// ports: the vertex where inputs and outputs lie.
void TimeModel::find_crossings(const Graph& graph, int ports) {
  const auto value_count = graph.values().size();
  std::vector<int> owners(value_count);
  for (std::size_t i = 0; i < value_count; ++i) {
    const int node = graph.values()[i].node;
    const bool alias =
        node >= 0 && is_alias(graph.nodes()[static_cast<std::size_t>(node)].operation);
    owners[i] = alias ? owners[static_cast<std::size_t>(
                            graph.nodes()[static_cast<std::size_t>(node)].inputs[0].index)]
                      : static_cast<int>(i);
  }
  const auto owner = [&](Value value) {
    return static_cast<std::size_t>(owners[static_cast<std::size_t>(value.index)]);
  };
  std::vector<Crossing> crossings(value_count);
  for (std::size_t i = 0; i < value_count; ++i) {
    const ValueInfo& info = graph.values()[i];
    crossings[i].maker = info.node >= 0 ? info.node + kFirstNode : ports;
    crossings[i].nanoseconds =
        static_cast<std::int64_t>(figures_.gpu_copy_ns) +
        to_nanoseconds(static_cast<double>(info.type.bytes()) / rate(figures_.gpu_copy_mbyte_rate));
  }
  // A state lies where what replaces it is made.
  for (const GraphState& state : graph.states()) {
    const int node = graph.values()[owner(state.next)].node;
    crossings[owner(state.value)].maker = node >= 0 ? node + kFirstNode : kCpu;
  }
  const auto read = [&](Value value, int reader) {
    if (!value.present() || graph.is_constant(value)) return;
    std::vector<int>& readers = crossings[owner(value)].readers;
    if (readers.empty() || readers.back() != reader) readers.push_back(reader);
  };
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    if (places_[i] == -1) continue;
    for (const Value input : graph.nodes()[i].inputs) read(input, static_cast<int>(i) + kFirstNode);
  }
  for (const auto& [name, value] : graph.outputs()) read(value, ports);
  for (Crossing& crossing : crossings) {
    if (!crossing.readers.empty()) crossings_.push_back(std::move(crossing));
  }
}

std::vector<int> TimeModel::least() const {
  MinimumCut cut(static_cast<int>(places_.size()) + kFirstNode);
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const int node = static_cast<int>(i) + kFirstNode;
    if (places_[i] == -1) continue;
    if (places_[i]) {
      is_on_gpu(*places_[i]) ? cut.add_edge(kGpu, node, MinimumCut::kNever)
                             : cut.add_edge(node, kCpu, MinimumCut::kNever);
    } else {
      cut.add_edge(kGpu, node, on_cpu_[i]);
      cut.add_edge(node, kCpu, on_gpu_[i]);
    }
  }
  // One copy serves all readers on the other side.
  for (const Crossing& crossing : crossings_) {
    const int up = cut.add_vertex();
    const int down = cut.add_vertex();
    cut.add_edge(up, crossing.maker, crossing.nanoseconds);
    cut.add_edge(crossing.maker, down, crossing.nanoseconds);
    for (const int reader : crossing.readers) {
      cut.add_edge(reader, up, MinimumCut::kNever);
      cut.add_edge(down, reader, MinimumCut::kNever);
    }
  }
  const std::vector<bool> gpu = cut.source_side(kGpu, kCpu);
  std::vector<int> places;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    places.push_back(places_[i].value_or(gpu[i + kFirstNode] ? sides_.gpu : sides_.cpu));
  }
  return places;
}

std::vector<int> TimeModel::all_on(int side) const {
  std::vector<int> places;
  for (const auto& place : places_) places.push_back(place.value_or(side));
  return places;
}

std::int64_t TimeModel::nanoseconds(std::span<const int> places) const {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (places[i] >= 0) sum += is_on_gpu(places[i]) ? on_gpu_[i] : on_cpu_[i];
  }
  const auto is_gpu = [&](int vertex) {
    return vertex < kFirstNode ? vertex == kGpu
                               : is_on_gpu(places[static_cast<std::size_t>(vertex - kFirstNode)]);
  };
  for (const Crossing& crossing : crossings_) {
    const bool crosses =
        std::any_of(crossing.readers.begin(), crossing.readers.end(),
                    [&](int reader) { return is_gpu(reader) != is_gpu(crossing.maker); });
    if (crosses) sum += crossing.nanoseconds;
  }
  return sum;
}

}  // namespace metalaudio::nn
