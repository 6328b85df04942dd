#pragma once

#include <metalaudio/core/tolerance_configuration.h>
#include <metalaudio/nn/backend.h>
#include <metalaudio/nn/cpu/gemm/gemm.h>
#include <metalaudio/nn/fusion/matcher.h>

#include <memory>
#include <optional>
#include <vector>

namespace metalaudio::nn::cpu {

class HalfValues;

// Each looks whether its pattern begins at a node, takes the nodes that it covers and returns the
// step. Without `fuse` it covers the node alone; nothing where the node is of another kind.

/// A convolution, transposed or not, with the activation, gain and residual behind it, and with
/// layers of DConv that alone read its result. `threads` decides how they share them.
std::optional<StepPlan> match_conv(Matcher& matcher, int node, const GemmKernel& kernel, bool fuse,
                                   std::size_t threads, const ToleranceConfiguration& tolerances,
                                   const std::shared_ptr<HalfValues>& halves);
/// A normalisation with the activation behind it.
std::optional<StepPlan> match_group_norm(Matcher& matcher, int node, bool fuse);

/// In bfloat16 a LayerNorm and the linear layers that alone read it: queries, keys and values of an
/// attention, or two layers one behind the other.
std::optional<StepPlan> match_linear_layers(Matcher& matcher, int node, const GemmKernel& kernel);

struct ConvPlan;
/// Layers of demucs.demucs.DConv one behind the other, from a node on or those that alone read the
/// result of `head`, and the pointwise convolution behind them.
std::optional<StepPlan> match_dconv(Matcher& matcher, int node, const ConvPlan* head,
                                    const GemmKernel& kernel, std::size_t threads,
                                    const ToleranceConfiguration& tolerances,
                                    const std::shared_ptr<HalfValues>& halves);

}  // namespace metalaudio::nn::cpu
