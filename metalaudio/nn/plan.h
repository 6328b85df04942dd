#pragma once

#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/core/tensor_view.h>
#include <metalaudio/nn/graph/graph.h>
#include <metalaudio/nn/plan_options.h>
#include <metalaudio/nn/plan_report.h>

#include <memory>
#include <string>
#include <string_view>

namespace metalaudio::nn {

/// A graph compiled: simplified, placed on backends, fused, its memory laid out, its weights
/// packed.
/// Shapes:   those of the graph; input() and output() lie in host memory unless the options name a
///           backend for them, row-major.
/// Errors:   the constructor throws Error{invalid_argument, unsupported, out_of_memory}, and names
///           every node that no backend takes; input() and output() throw Error{not_found}.
/// Threads:  one caller at a time; work is shared with the pool of the options. Clones are
///           independent of each other.
/// Realtime: run(), reset() and take_states() on the CPU, without a pool and without timing.
class Plan {
 public:
  Plan(const Graph& graph, const PlanOptions& options);
  ~Plan();
  Plan(Plan&&) noexcept;
  Plan& operator=(Plan&&) noexcept;

  /// A second instance that shares the packed weights and has memory and states of its own, in
  /// their initial state.
  Plan clone() const;
  /// The same on another pool, or on none.
  Plan clone(ThreadPool* pool) const;

  /// Memory to write before run(). It may hold something else afterwards.
  TensorView input(std::string_view name);
  ConstTensorView output(std::string_view name) const;

  /// Runs every step with denormals flushed; then the states are what the run left.
  METALAUDIO_REALTIME void run() noexcept;
  /// Whether a device was lost on the way; then outputs mean nothing, and only a new plan helps.
  METALAUDIO_REALTIME bool lost() const noexcept;
  /// Gives the states their initial values.
  METALAUDIO_REALTIME void reset() noexcept;
  /// Goes on from the states of another plan, whose graph has the same states in the same order.
  METALAUDIO_REALTIME void take_states(const Plan& other) noexcept;

  /// Gives the memory of values and states back and keeps the weights; until prepare() nothing may
  /// be run, read or reset.
  void drop_memory() noexcept;
  /// Takes memory again, with the states in their initial state; nothing where it has it.
  void prepare();

  const PlanStatistics& statistics() const noexcept;
  PlanReport report() const;
  /// The steps and values as a Graphviz digraph.
  std::string graphviz() const;

 private:
  struct Impl;
  explicit Plan(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace metalaudio::nn
