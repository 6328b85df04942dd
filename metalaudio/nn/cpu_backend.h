#pragma once

#include <metalaudio/core/tolerance_configuration.h>
#include <metalaudio/nn/backend.h>
#include <metalaudio/nn/precision.h>

#include <cstddef>
#include <memory>

namespace metalaudio::nn {

/// The backend that runs on the processor, in host memory. threads: how many a plan will share its
/// work among, which decides how some steps cut theirs. tolerances: which of its kernels a step
/// uses.
std::shared_ptr<const Backend> make_cpu_backend(Precision precision = Precision::fp32,
                                                std::size_t threads = 1,
                                                const ToleranceConfiguration& tolerances = {});

}  // namespace metalaudio::nn
