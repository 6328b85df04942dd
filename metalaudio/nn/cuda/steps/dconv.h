#pragma once

#include <metalaudio/nn/cuda/cuda_step.h>
#include <metalaudio/nn/fusion/dconv.h>

#include <memory>

namespace metalaudio::nn::cuda {

/// One layer of demucs.demucs.DConv; y is its result.
std::unique_ptr<Step> make_dconv(const DConvParts& parts, Value y, const Making& making);

/// The same for what fits into the registers of a warp, in one or three launches.
bool takes_fused_dconv(const Graph& graph, const DConvParts& parts);
std::unique_ptr<Step> make_fused_dconv(const DConvParts& parts, Value y, const Making& making);

}  // namespace metalaudio::nn::cuda
