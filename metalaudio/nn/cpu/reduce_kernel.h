#pragma once

#include <metalaudio/nn/operations/reduce.h>

#include <cstddef>

namespace metalaudio::nn::cpu {

/// Whether reduce_run() has a form of a function.
bool has_vector_form(ReduceFunction function) noexcept;
/// The sum (also for mean), sum of magnitudes or squares, maximum or minimum of at least one value,
/// in float over short runs and double beyond. A NaN wins.
double reduce_run(ReduceFunction function, const float* x, std::size_t size);

}  // namespace metalaudio::nn::cpu
