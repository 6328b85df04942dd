#pragma once

#include <metalaudio/core/tolerance_configuration.h>
#include <metalaudio/nn/backend.h>
#include <metalaudio/nn/precision.h>

#include <cstddef>
#include <memory>
#include <string_view>

namespace metalaudio::nn {

/// The backend that runs on the processor, in host memory. threads: how many a plan will share its
/// work among, which decides how some steps cut theirs. tolerances: which of its kernels a step
/// uses.
std::shared_ptr<const Backend> make_cpu_backend(Precision precision = Precision::fp32,
                                                std::size_t threads = 1,
                                                const ToleranceConfiguration& tolerances = {});

/// What most products of this backend multiply with here: "fp32", "fp32 with AMX", "two bf16 with
/// AMX", "bf16 with AMX", "bf16 with AVX-512".
/// Errors: those of make_cpu_backend.
std::string_view cpu_arithmetic(Precision precision);

}  // namespace metalaudio::nn
