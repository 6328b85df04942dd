#pragma once

#include <metalaudio/nn/cpu/cpu_step.h>
#include <metalaudio/nn/fusion/dconv.h>

#include <span>

namespace metalaudio::nn::cpu {

/// Layers one behind the other; all of them but the first read the result of the one before.
/// `threads` decides whether rows or the positions of one row are shared.
std::unique_ptr<Step> make_dconv(const GemmKernel& kernel, std::span<const DConvParts> layers,
                                 Value y, std::size_t threads, StepMaker& maker);

}  // namespace metalaudio::nn::cpu
