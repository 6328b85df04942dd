#pragma once

#include <metalaudio/core/tolerance_configuration.h>
#include <metalaudio/nn/backend.h>

#include <memory>

namespace metalaudio::nn {

/// Measures on this machine from where on one kernel of the CPU is faster than another, and what
/// work takes here and on a GPU, where one is given: two seconds or three on an idle machine. What it
/// cannot measure stays as it is in `start`.
ToleranceConfiguration calibrate(const ToleranceConfiguration& start = {},
                                 const std::shared_ptr<const Backend>& gpu = {});

}  // namespace metalaudio::nn
