#pragma once

#include <metalaudio/core/tolerance_configuration.h>
#include <metalaudio/nn/precision.h>

#include <optional>

namespace metalaudio::models {

using Precision = nn::Precision;

/// time_only: of a network with a branch along time and one along frequencies, the first alone.
enum class Mode { full, time_only };

/// What a caller may choose about a model, of whatever family; ModelInfo says what one takes.
struct ModelOptions {
  Precision precision = Precision::fp32;
  Mode mode = Mode::full;
  /// A shorter segment than the model was trained with; a longer one changes nothing, as upstream's
  /// bags have it.
  std::optional<double> segment_seconds = {};
  bool timing = false;                     ///< measure the steps, for SegmentModel::report()
  ToleranceConfiguration tolerances = {};  ///< of the CPU's kernels
};

}  // namespace metalaudio::models
