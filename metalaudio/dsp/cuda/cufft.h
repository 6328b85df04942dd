#pragma once

#include <metalaudio/dsp/batched/engines.h>

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>

namespace metalaudio::dsp::cuda {

/// Transforms of any size by cuFFT, a library of 270 megabytes that is loaded when the first is made.
/// Plans are kept for the last few batches.
/// Errors:   throws Error{backend_unavailable} where there is no cuFFT, or the GPU fails, and
///           Error{out_of_memory}.
std::unique_ptr<BatchedTransform> make_cufft_transform(SignalKind kind, std::size_t size,
                                                       std::shared_ptr<AudioDevice> device);

}  // namespace metalaudio::dsp::cuda
