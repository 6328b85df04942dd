#pragma once

#include <metalaudio/nn/backend.h>

#include <memory>
#include <span>

namespace metalaudio::nn::cuda {

/// Runs CudaSteps on the stream of a device. prepare() records a stretch of steps into a CUDA graph,
/// which run() then launches as one; a stretch that was not prepared is launched step by step.
std::unique_ptr<Runner> make_cuda_runner(std::span<const std::unique_ptr<Step>> steps,
                                         std::span<const StepsBefore> before,
                                         std::shared_ptr<AudioDevice> device);

}  // namespace metalaudio::nn::cuda
