#pragma once

#include <metalaudio/core/buffer.h>
#include <metalaudio/nn/backend.h>
#include <metalaudio/nn/plan_options.h>
#include <metalaudio/nn/plan_report.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace metalaudio::nn {

/// Where a slot is bound to memory.
enum class SlotKind {
  arena,     ///< in the arena of its place, at an offset; memory is shared by liveness
  constant,  ///< a constant of the program
  state,     ///< half of a state
};

struct SlotInfo {
  SlotKind kind = SlotKind::arena;
  int place = 0;
  std::size_t bytes = 0;
  std::size_t offset = 0;                       ///< arena
  std::shared_ptr<const Tensor> constant = {};  ///< constant, and initial value of a state
};

/// A graph's input or output.
struct Port {
  std::string name = {};
  ValueType type = {};
  Slot slot = {};
};

/// The two slots of a state, which swap after every run; equal where nothing replaces it.
struct ProgramState {
  Slot read = {};
  Slot write = {};
};

/// Either a stretch of steps of one place, or a copy of one slot to another.
struct ProgramItem {
  int place = 0;  ///< of the stretch
  std::size_t first = 0;
  std::size_t last = 0;
  bool copy = false;
  Slot from = {};
  Slot to = {};
};

/// A step as the program keeps it for its picture.
struct ProgramEdge {
  std::vector<int> inputs = {};   ///< slots
  std::vector<int> results = {};  ///< slots
};

/// A compiled graph without memory of its own but for constants: what every workspace shares.
struct Program {
  struct Place {
    std::shared_ptr<const Backend> backend =
        {};                                    ///< null: host memory beside backends that have none
    std::shared_ptr<AudioDevice> device = {};  ///< null: host memory
    std::vector<std::unique_ptr<Step>> steps = {};
    std::vector<StepsBefore> before = {};   ///< where steps run side by side
    std::vector<std::size_t> reports = {};  ///< of the steps, by index in `reports` below
    std::size_t arena_bytes = 0;
  };

  std::vector<Place> places;
  std::vector<SlotInfo> slots;
  std::vector<ProgramItem> items;
  std::vector<ProgramState> states;
  std::vector<Port> inputs;
  std::vector<Port> outputs;
  std::vector<StepReport> reports;
  std::vector<ProgramEdge> edges;
  std::vector<Buffer> device_constants;         ///< of slots on devices
  std::vector<SlotAddress> constant_addresses;  ///< by slot; empty addresses elsewhere
  PlanStatistics statistics;
  std::string placement;
};

/// Compiles a graph; throws what Plan's constructor throws.
std::unique_ptr<const Program> compile(const Graph& graph, const PlanOptions& options);

}  // namespace metalaudio::nn
