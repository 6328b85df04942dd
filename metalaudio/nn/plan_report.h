#pragma once

#include <metalaudio/nn/backend.h>

#include <cstddef>
#include <string>
#include <vector>

namespace metalaudio::nn {

struct PlanStatistics {
  std::size_t operations = 0;        ///< of the graph as it was given
  std::size_t steps = 0;             ///< after folding and fusion
  std::size_t copies = 0;            ///< between devices, and of states
  std::size_t activation_bytes = 0;  ///< the arenas of one workspace
  std::size_t unshared_bytes = 0;    ///< what they would take if no memory were reused
  std::size_t buffers = 0;           ///< places in the arenas that inputs and results share
  std::size_t state_bytes = 0;
  std::size_t weight_bytes = 0;  ///< and of the steps' tables
};

struct StepReport {
  std::string kind = {};
  std::string label = {};
  std::string backend = {};
  std::string result = {};  ///< the type of its first result
  StepCost cost = {};       ///< operations and bytes of one run
  double milliseconds = 0;  ///< of the last run, where the plan measures
};

/// What a plan consists of and, after timed runs, where the time went.
struct PlanReport {
  PlanStatistics statistics;
  std::vector<StepReport> steps;
  /// Why steps are where they are, a line each: what Placement::automatic reckoned, and what a
  /// backend refused. Empty where there was nothing to decide.
  std::string placement = {};

  /// One line of totals and one for every step; then the placement.
  std::string table() const;
};

}  // namespace metalaudio::nn
