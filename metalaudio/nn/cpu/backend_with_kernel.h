#pragma once

#include <metalaudio/core/tolerance_configuration.h>
#include <metalaudio/nn/backend.h>
#include <metalaudio/nn/cpu/gemm/gemm.h>

#include <cstddef>
#include <memory>

namespace metalaudio::nn::cpu {

/// The processor's backend with the products of one kernel, which outlives it.
std::shared_ptr<const Backend> make_backend(const GemmKernel& kernel, std::size_t threads,
                                            const ToleranceConfiguration& tolerances);

}  // namespace metalaudio::nn::cpu
