#pragma once

#include <metalaudio/nn/cuda/cuda_step.h>
#include <metalaudio/nn/operations/element_functions.h>

#include <memory>

namespace metalaudio::nn::cuda {

/// y is the result of the activation behind the norm of the node.
std::unique_ptr<Step> make_group_norm(const GroupNorm& norm, Activation activation, Value y,
                                      const Making& making);

}  // namespace metalaudio::nn::cuda
