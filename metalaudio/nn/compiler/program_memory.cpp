#include <metalaudio/core/error.h>
#include <metalaudio/nn/compiler/program_memory.h>

#include <set>
#include <utility>
#include <vector>

namespace metalaudio::nn {

namespace {

/// Rounded up: what is too much by a byte must not read as enough.
std::size_t mebibytes(std::size_t bytes) { return (bytes + (std::size_t{1} << 20U) - 1) >> 20U; }

/// In the order in which they are used: temporaries of different steps are numbered as it happens.
std::vector<std::size_t> arena_slots(const Program& program, const SlotUses& uses,
                                     std::size_t place) {
  std::vector<std::size_t> slots;
  for (std::size_t s = 0; s < program.slots.size(); ++s) {
    const SlotInfo& slot = program.slots[s];
    if (slot.kind == SlotKind::arena && slot.place == static_cast<int>(place)) slots.push_back(s);
  }
  uses.sort(slots);
  return slots;
}

/// The distinct places in arenas that inputs and results lie at.
std::size_t count_buffers(const Program& program) {
  std::set<std::pair<int, std::size_t>> places;
  const auto see = [&](int index) {
    const SlotInfo& slot = program.slots[static_cast<std::size_t>(index)];
    if (slot.kind == SlotKind::arena) places.emplace(slot.place, slot.offset);
  };
  for (const Port& port : program.inputs) see(port.slot.index);
  for (const ProgramEdge& edge : program.edges) {
    for (const int slot : edge.results) see(slot);
  }
  return places.size();
}

}  // namespace

void check_memory(std::size_t values, std::size_t weights, const PlanOptions& options) {
  if (values <= options.memory_limit_bytes && weights <= options.memory_limit_bytes - values)
    return;
  fail(ErrorCode::out_of_memory,
       "[nn::Plan] activations of {} MiB, weights and tables of {} MiB: {} MiB are allowed",
       mebibytes(values), mebibytes(weights), options.memory_limit_bytes >> 20U);
}

std::size_t arena_bytes(const Program& program, const SlotUses& uses) {
  std::size_t bytes = 0;
  for (std::size_t p = 0; p < program.places.size(); ++p)
    bytes += uses.lay_out(arena_slots(program, uses, p)).size;
  return bytes;
}

std::size_t least_weight_bytes(const Graph& graph, Precision precision) {
  std::size_t bytes = 0;
  for (const ValueInfo& value : graph.values()) {
    if (value.kind == ValueKind::constant && value.constant.at_hand() == nullptr)
      bytes += value.type.bytes();
  }
  return precision == Precision::bf16 ? bytes / 2 : bytes;
}

std::size_t scratch_bytes(const Program& program, ThreadPool* pool) {
  std::size_t bytes = 0;
  for (const Program::Place& place : program.places)
    if (place.backend) bytes += place.backend->scratch_bytes(place.steps, pool);
  return bytes;
}

void lay_out(Program& program, const SlotUses& uses) {
  for (std::size_t p = 0; p < program.places.size(); ++p) {
    const std::vector<std::size_t> slots = arena_slots(program, uses, p);
    const ArenaLayout layout = uses.lay_out(slots);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      program.slots[slots[i]].offset = layout.offsets[i];
      program.statistics.unshared_bytes += program.slots[slots[i]].bytes;
    }
    program.places[p].arena_bytes = layout.size;
    program.statistics.activation_bytes += layout.size;
  }
  program.statistics.buffers = count_buffers(program);
}

void bind_constants(Program& program) {
  program.constant_addresses.resize(program.slots.size());
  for (std::size_t s = 0; s < program.slots.size(); ++s) {
    const SlotInfo& slot = program.slots[s];
    if (slot.kind != SlotKind::constant) continue;
    program.statistics.weight_bytes += slot.bytes;
    const auto& device = program.places[static_cast<std::size_t>(slot.place)].device;
    const void* host = slot.constant->view().handle();
    if (!device) {
      // A step has only const access to its inputs.
      program.constant_addresses[s] = {const_cast<void*>(host), 0};
      continue;
    }
    Buffer& buffer = program.device_constants.emplace_back(slot.bytes, device);
    if (slot.bytes > 0) device->upload(buffer.handle(), 0, host, slot.bytes);
    program.constant_addresses[s] = {buffer.handle(), 0};
  }
}

}  // namespace metalaudio::nn
