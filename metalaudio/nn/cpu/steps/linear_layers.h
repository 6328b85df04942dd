#pragma once

#include <metalaudio/nn/cpu/steps/conv.h>

#include <vector>

namespace metalaudio::nn::cpu {

class GemmPairs;

/// Whether a linear layer's product is one that threads share by rows and columns, and its step.
bool shares_columns(const ConvParts& parts, Value y, const Graph& graph);
std::unique_ptr<Step> make_linear(const ConvParts& parts, Value y, StepMaker& maker);

// Both round the rows of a LayerNorm over the last axis once, in the cache.

/// Linear layers that read the same rows.
std::unique_ptr<Step> make_linear_layers(const Node& norm, const GemmPairs& kernel,
                                         const std::vector<ConvParts>& layers, StepMaker& maker);

/// Two linear layers one behind the other, between which rows are bfloat16. The first has an
/// activation at most, the second no residual that is repeated.
std::unique_ptr<Step> make_feed_forward(const Node& norm, const GemmPairs& kernel,
                                        const ConvParts& first, const ConvParts& second, Value y,
                                        StepMaker& maker);

}  // namespace metalaudio::nn::cpu
