#pragma once

#include <metalaudio/core/tolerance_configuration.h>
#include <metalaudio/nn/backend.h>

#include <memory>

namespace metalaudio::nn {

/// Measures what Placement::automatic reckons with: the rates of one thread of this CPU, and with a
/// GPU its own, the least time of a step, a token and a copy. What it cannot measure stays as it is.
void measure_device_rates(const std::shared_ptr<const Backend>& gpu,
                          ToleranceConfiguration& figures);

}  // namespace metalaudio::nn
