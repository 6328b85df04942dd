#pragma once

#include <metalaudio/nn/backend.h>
#include <metalaudio/nn/precision.h>

#include <memory>

namespace metalaudio::nn {

/// Runs operations on a GPU, in its memory and on its stream. What it does not take is placed on the
/// next backend of the plan, which is the CPU's.
/// Errors:   throws Error{backend_unavailable} without the CUDA part, Error{unsupported} where the
///           GPU lacks the precision, Error{invalid_argument} where the device is no CUDA device.
std::shared_ptr<const Backend> make_cuda_backend(std::shared_ptr<AudioDevice> device,
                                                 Precision precision = Precision::fp32);

/// The same for the first GPU; null where none answers or its memory is full.
std::shared_ptr<const Backend> find_cuda_backend(Precision precision = Precision::fp32);

}  // namespace metalaudio::nn
