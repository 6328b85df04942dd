#pragma once

#include <metalaudio/nn/cuda/cuda_step.h>
#include <metalaudio/nn/fusion/matcher.h>

#include <optional>

namespace metalaudio::nn::cuda {

/// Where a step's weights go, and what multiplies.
struct Target {
  std::shared_ptr<AudioDevice> device;
  Precision precision = Precision::fp32;
};

// Each looks whether its pattern begins at a node, takes the nodes that it covers and returns the
// step, without its cost; nothing where it does not.

/// A convolution, transposed or not, with the activation, gain and residual behind it.
std::optional<StepPlan> match_conv(Matcher& matcher, int node, const Target& target);
/// A normalisation with the activation behind it.
std::optional<StepPlan> match_group_norm(Matcher& matcher, int node, const Target& target);
/// One layer of demucs.demucs.DConv.
std::optional<StepPlan> match_dconv(Matcher& matcher, int node, const Target& target);

}  // namespace metalaudio::nn::cuda
