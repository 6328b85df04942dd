#pragma once

#include <metalaudio/nn/cpu/cpu_step.h>
#include <metalaudio/nn/fusion/dconv.h>

namespace metalaudio::nn::cpu {

/// `threads` decides whether rows or the positions of one row are shared.
std::unique_ptr<Step> make_dconv(const GemmKernel& kernel, const DConvParts& parts, Value y,
                                 std::size_t threads, StepMaker& maker);

}  // namespace metalaudio::nn::cpu
