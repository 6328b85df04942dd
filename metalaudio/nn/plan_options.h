#pragma once

#include <metalaudio/core/thread_pool.h>
#include <metalaudio/core/tolerance_configuration.h>
#include <metalaudio/nn/backend.h>
#include <metalaudio/nn/precision.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

namespace metalaudio::nn {

/// Where nodes go that name no backend.
enum class Placement {
  first,      ///< to the first that takes them
  automatic,  ///< to the CPU or a GPU, so that all of them and the copies between take least time
};

struct PlanOptions {
  Precision precision = Precision::fp32;
  ThreadPool* pool = nullptr;  ///< null: everything on the thread that calls run()
  bool timing = false;         ///< measure every step, for report()
  bool fuse = true;
  /// A plan whose values, states, weights, tables and scratch need more is refused, before weights
  /// are read and tables are made: a file's few bytes can ask for terabytes.
  std::size_t memory_limit_bytes = std::size_t{64} << 30U;
  /// The backends that nodes may be placed on, by number; none: the CPU. A node goes to the one it
  /// names, if that takes it.
  std::vector<std::shared_ptr<const Backend>> backends = {};
  Placement placement = Placement::first;
  /// The backend in whose memory inputs and outputs lie; nothing: host memory.
  std::optional<int> ports_place = {};
  /// Compute what does not depend on inputs while planning, and move transposes together.
  bool simplify = true;
  /// What Placement::automatic reckons with, and the choice of the CPU's kernels where `backends` is
  /// empty; ToleranceConfiguration::load() has what was measured on this machine.
  ToleranceConfiguration tolerances = {};
};

}  // namespace metalaudio::nn
