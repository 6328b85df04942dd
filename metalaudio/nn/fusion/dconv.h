#pragma once

#include <metalaudio/nn/backend.h>
#include <metalaudio/nn/fusion/matcher.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace metalaudio::nn {

/// The values of x + gain · glu(norm(conv1x1(gelu(norm(conv3(x)))))), one layer of
/// demucs.demucs.DConv, in which every row is normalised by itself.
struct DConvParts {
  Value x;
  Value weight1, bias1, gamma1, beta1;
  Value weight2, bias2, gamma2, beta2;
  Value gain;
  std::int64_t dilation = 1;
  float epsilon1 = 1e-5F;
  float epsilon2 = 1e-5F;
};

/// One layer of demucs.demucs.DConv, as it was found: its nodes, and its result.
struct DConvMatch {
  DConvParts parts;
  std::vector<int> nodes;
  Value y;
};
/// Whether the layer begins at a node. Takes no nodes.
std::optional<DConvMatch> find_dconv(const Matcher& matcher, int node);
/// All of its step but how it is made.
StepPlan plan_dconv(const Graph& graph, const DConvMatch& match);

}  // namespace metalaudio::nn
