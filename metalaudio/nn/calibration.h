#pragma once

#include <metalaudio/core/tolerance_configuration.h>

namespace metalaudio::nn {

/// Measures on this machine from where on one kernel of the CPU is faster than another: a second or
/// two on an idle core. What it cannot measure stays as it is in `start`.
ToleranceConfiguration calibrate(const ToleranceConfiguration& start = {});

}  // namespace metalaudio::nn
