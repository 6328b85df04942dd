#pragma once

#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/tolerance_configuration.h>
#include <metalaudio/nn/precision.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
  bool timing = false;  ///< measure the steps, for SegmentModel::report()
  /// The GPUs that share the segments; none: the CPU, which also goes on where they are lost.
  std::vector<std::shared_ptr<AudioDevice>> devices = {};
  /// GPUs, by number, that are opened one after the other when all of these are lost, before the CPU.
  std::vector<int> spare_gpus = {};
  /// How many segments a GPU takes at a time; 0: as many as pay and fit into its memory.
  std::size_t batch = 0;
  /// Told, in one line, where a model goes on elsewhere than it was meant to.
  std::function<void(const std::string& line)> notice = {};
  ToleranceConfiguration tolerances = {};  ///< of the CPU's kernels
};

}  // namespace metalaudio::models
