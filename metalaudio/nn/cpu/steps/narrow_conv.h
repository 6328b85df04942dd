#pragma once

#include <metalaudio/core/tolerance_configuration.h>
#include <metalaudio/nn/cpu/steps/conv.h>

namespace metalaudio::nn::cpu {

/// Whether a convolution has so few output channels that vectors of them would be mostly empty, and
/// nothing about it that the narrow kernels lack: one axis or none, one group.
bool is_narrow(const Graph& graph, const Conv& conv, const Node& node, const ConvEpilogue& epilogue,
               Value y, const ToleranceConfiguration& tolerances);

/// Such a convolution: vectors run along positions or along taps, whichever are neighbours in
/// memory; kernels of more taps than the configuration says work on tiles of positions.
std::unique_ptr<Step> make_narrow_conv(const Conv& conv, const Node& node,
                                       const ConvEpilogue& epilogue, Value y,
                                       const ToleranceConfiguration& tolerances, StepMaker& maker);

}  // namespace metalaudio::nn::cpu
