#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace metalaudio::models {

/// What a model's file says, before its weights are read.
struct ModelInfo {
  std::string family;  ///< "HTDemucs"
  std::vector<std::string> sources;
  int sample_rate_hz = 0;
  std::size_t channels = 0;
  double segment_seconds = 0.0;  ///< what it was trained with
  /// Which of ModelOptions' choices it takes beside the precision: "mode", "segment".
  std::vector<std::string> options;

  bool takes(const std::string& option) const;
};

}  // namespace metalaudio::models
