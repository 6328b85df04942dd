#pragma once

#include <metalaudio/nn/cpu/steps/conv.h>

namespace metalaudio::nn::cpu {

/// Whether a convolution of three taps, or three by three, is faster by minimal filtering
/// (winograd_kernels.h) than by a product for every tap.
bool pays_winograd(const Graph& graph, const ConvParts& parts);

/// What it errs is relative to the largest of the four (by four) values around a result, one more
/// than the convolution itself reads. Where a result is not finite it is computed again tap by tap,
/// so that NaN and infinities reach no further than there.
std::unique_ptr<Step> make_winograd_conv(const ConvParts& parts, Value y, StepMaker& maker);

}  // namespace metalaudio::nn::cpu
