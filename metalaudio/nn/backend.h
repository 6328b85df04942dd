#pragma once

#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/thread_pool.h>
#include <metalaudio/nn/graph/graph.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace metalaudio::nn {

/// Names the memory of a value in a compiled program. Slots are bound to addresses before a run, so
/// that one program serves many workspaces and two states can swap.
struct Slot {
  int index = -1;
};

/// Where a slot lies: a device's handle and an offset in bytes; in host memory the handle is a
/// pointer.
struct SlotAddress {
  void* handle = nullptr;
  std::size_t offset = 0;

  std::byte* host() const noexcept { return static_cast<std::byte*>(handle) + offset; }
};

/// What one run of a step takes: floating-point operations, bytes that must be read and written if
/// every value and weight is touched once, and rounds that wait for one another, as a recurrent
/// layer's tokens do.
struct StepCost {
  double operations = 0;
  double bytes = 0;
  double rounds = 0;
};

/// Operations that run together, ready to be run by the backend that made them. It holds its packed
/// weights and nothing that changes, so that several workspaces share it.
/// Threads:  a constant.
class Step {
 public:
  virtual ~Step() = default;
  /// Without what it said that it will keep.
  virtual std::size_t weight_bytes() const noexcept { return 0; }
};

/// What a backend asks while it makes a step.
/// Threads:  one; it lives while a plan is made.
class StepMaker {
 public:
  virtual ~StepMaker() = default;
  virtual const Graph& graph() const = 0;
  /// The slot of a value that the step listed among its inputs or results; of none, index -1.
  virtual Slot slot(Value value) const = 0;
  /// Memory that only this step uses, while it runs.
  virtual Slot temporary(std::size_t bytes) = 0;
  /// To be said before a step makes tables that are no weights and may be large.
  /// Errors: throws Error{out_of_memory} where it is more than the plan may take.
  virtual void will_keep(std::size_t bytes) = 0;
};

/// A step before it is made: what it covers and which values it reads and writes when it runs.
struct StepPlan {
  std::string kind = {};            ///< "conv + gelu", for reports
  std::vector<int> nodes = {};      ///< in the order of the graph; the last one dates the step
  std::vector<Value> inputs = {};   ///< not those whose constants it packs
  std::vector<Value> results = {};  ///< not those that stay inside it
  StepCost cost = {};
  std::function<std::unique_ptr<Step>(StepMaker&)> make = {};
};

/// Which earlier steps of its backend, by index, a step waits for where steps run side by side.
using StepsBefore = std::vector<std::size_t>;

/// The addresses of a workspace's slots at one time. The halves of its states swap with every run:
/// what has the same number has the same addresses.
struct SlotBinding {
  std::span<const SlotAddress> slots = {};
  std::size_t number = 0;
};

/// Runs a backend's steps with a workspace's threads, streams and scratch.
/// Threads:  one caller at a time.
/// Realtime: run(), on the CPU without a pool.
class Runner {
 public:
  virtual ~Runner() = default;
  /// Runs steps [first, last) of those that the runner was made with, one after the other, or as
  /// they wait for one another.
  virtual void run(std::size_t first, std::size_t last, const SlotBinding& binding) noexcept = 0;
  /// Pays for what a first run of these steps with this binding would cost more than a later one: a
  /// GPU records it.
  /// Errors: throws Error{backend_unavailable, out_of_memory}.
  virtual void prepare(std::size_t, std::size_t, const SlotBinding&) {}
  /// Whether its device was lost; then its steps do nothing.
  virtual bool lost() const noexcept { return false; }
};

/// One way to run operations: which of them it takes, what it fuses, and where its memory lies. The
/// graph that it is shown is canonical: no reshapes, no constants to fold.
/// Errors:   everything but Runner::run may throw Error while a plan is made.
/// Threads:  a constant once made; a runner has one caller at a time.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string_view name() const noexcept = 0;
  /// Whose memory its slots lie in; null: host memory.
  virtual std::shared_ptr<AudioDevice> device() const = 0;
  /// The floating type in which it keeps the float32 values between its nodes; nothing: as they are.
  virtual std::optional<DataType> value_type() const { return std::nullopt; }
  /// Why it does not take a node; empty where it does.
  virtual std::string refusal(const Graph& graph, const Node& node) const = 0;
  /// Groups nodes that were placed here into steps. Without `fuse` every node is a step.
  virtual std::vector<StepPlan> plan_steps(const Graph& graph, std::span<const int> nodes,
                                           bool fuse) const = 0;
  /// What a runner of these steps has on the host for its threads to work on.
  virtual std::size_t scratch_bytes(std::span<const std::unique_ptr<Step>>, ThreadPool*) const {
    return 0;
  }
  /// Whether its runners run steps of a stretch side by side that do not wait for one another; these
  /// share no memory.
  virtual bool side_by_side() const noexcept { return false; }
  /// before: by step, where they run side by side; else empty.
  virtual std::unique_ptr<Runner> make_runner(std::span<const std::unique_ptr<Step>> steps,
                                              std::span<const StepsBefore> before,
                                              ThreadPool* pool) const = 0;
};

}  // namespace metalaudio::nn
