#pragma once

#include <metalaudio/nn/compiler/program.h>
#include <metalaudio/nn/compiler/slot_uses.h>
#include <metalaudio/nn/graph/graph.h>
#include <metalaudio/nn/plan_options.h>
#include <metalaudio/nn/precision.h>

#include <cstddef>

namespace metalaudio::nn {

/// weights: and tables.
/// Errors: out_of_memory where values and weights together are more than the options allow.
void check_memory(std::size_t values, std::size_t weights, const PlanOptions& options);

/// What the slots that a program has by now take in all its arenas.
std::size_t arena_bytes(const Program& program, const SlotUses& uses);

/// What a graph's constants that are still to be made take as they will be packed.
std::size_t least_weight_bytes(const Graph& graph, Precision precision);

/// What the backends keep beside the values while steps run on a pool's threads.
std::size_t scratch_bytes(const Program& program, ThreadPool* pool);

/// Places every slot in the arena of its place, and counts what that takes.
void lay_out(Program& program, const SlotUses& uses);

/// Gives every slot of a constant its address: the constant's own, or a copy's on the slot's device.
void bind_constants(Program& program);

}  // namespace metalaudio::nn
