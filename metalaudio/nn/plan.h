#pragma once

#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/core/thread_pool.h>
#include <metalaudio/nn/graph/graph.h>
#include <metalaudio/nn/precision.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace metalaudio::nn {

struct PlanOptions {
  Precision precision = Precision::fp32;
  ThreadPool* pool = nullptr;  ///< null: everything on the thread that calls run()
  bool timing = false;         ///< measure every step, for report()
  /// A plan whose activations need more is refused: a file's few bytes can ask for terabytes.
  std::size_t memory_limit_bytes = std::size_t{64} << 30;
};

struct PlanStatistics {
  std::size_t operations = 0;        ///< of the graph, constants not counted
  std::size_t steps = 0;             ///< after fusion
  std::size_t activation_bytes = 0;  ///< the arena
  std::size_t unshared_bytes = 0;    ///< what the arena would take if no buffer were reused
  std::size_t weight_bytes = 0;
};

/// A graph compiled for the CPU: fused, its memory laid out, its weights packed, its kernels
/// chosen. Shapes:   those of the graph; input() and output() are row-major. Errors:   the
/// constructor throws Error{invalid_argument, out_of_memory}; input() and output()
///           throw Error{not_found}.
/// Threads:  one caller at a time; work is shared with the pool of the options.
/// Realtime: run() without a pool and without timing: it allocates nothing and takes no lock.
class Plan {
 public:
  Plan(const Graph& graph, const PlanOptions& options);
  ~Plan();
  Plan(Plan&&) noexcept;
  Plan& operator=(Plan&&) noexcept;

  /// Memory to write before run(). It may hold something else afterwards.
  std::span<float> input(std::string_view name);
  std::span<const float> output(std::string_view name) const;

  METALAUDIO_REALTIME void run() noexcept;

  const PlanStatistics& statistics() const noexcept;
  /// A table of the steps with, after timed runs, the milliseconds that each took.
  std::string report() const;
  /// The steps and values as a Graphviz digraph.
  std::string graphviz() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace metalaudio::nn
