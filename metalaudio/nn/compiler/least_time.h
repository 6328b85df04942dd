#pragma once

#include <metalaudio/nn/backend.h>
#include <metalaudio/nn/plan_options.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace metalaudio::nn {

/// The two sides between which nodes are shared, by the numbers of their backends.
struct Sides {
  int cpu = 0;
  int gpu = 1;
};

/// What a graph takes on a CPU and a GPU by figures that were measured: each node on either side,
/// and each value that crosses.
/// Threads:  a constant.
class TimeModel {
 public:
  /// places: of the nodes that are decided; nothing for those that either side takes, -1 for those
  /// that do not run.
  TimeModel(const Graph& graph, std::span<const std::shared_ptr<const Backend>> backends,
            Sides sides, std::vector<std::optional<int>> places, const PlanOptions& options);

  /// All places, so that the sum is least: a minimal cut. Where it makes no difference, the CPU.
  std::vector<int> least() const;
  /// The same with every node on one side that may be there.
  std::vector<int> all_on(int side) const;
  std::int64_t nanoseconds(std::span<const int> places) const;

 private:
  /// A value with the vertex that makes it and those that read it; kCpu and kGpu are vertices too.
  struct Crossing {
    int maker = 0;
    std::vector<int> readers = {};
    std::int64_t nanoseconds = 0;
  };

  void time_nodes(const Graph& graph, const Backend& backend, int side, bool fuse);
  void find_crossings(const Graph& graph, int ports);
  std::int64_t time_of(const StepCost& cost, int side) const;
  bool is_on_gpu(int place) const { return is_device_[static_cast<std::size_t>(place)]; }

  std::vector<bool> is_device_;  ///< by backend
  Sides sides_;
  ToleranceConfiguration figures_;
  double threads_;
  std::vector<std::optional<int>> places_;
  std::vector<std::int64_t> on_cpu_;  ///< by node
  std::vector<std::int64_t> on_gpu_;
  std::vector<Crossing> crossings_;
};

}  // namespace metalaudio::nn
