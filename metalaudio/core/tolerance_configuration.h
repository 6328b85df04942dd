#pragma once

#include <cstddef>

namespace metalaudio {

/// Where DeviceType::automatic takes which device. A value; give it to a processor's constructor.
struct ToleranceConfiguration {
  /// Transforms of more points than this go to a GPU, if there is one. The original's figure.
  std::size_t gpu_cpu_threshold = 2048;
};

}  // namespace metalaudio
