#pragma once

#include <metalaudio/nn/layers/layer.h>

#include <functional>
#include <map>
#include <string>

namespace metalaudio::nn::layers {

/// tests/golden/layers: inputs, weights and results of PyTorch's modules.
const StateFile& goldens();
/// A tensor of one case: golden("conv1d", "x").
const Tensor& golden(const std::string& name, const std::string& part);
/// The weights of a case.
Weights golden_weights(const std::string& name);

/// Float32 sums in another order differ by a few units in the last place of the largest terms.
inline constexpr double kClose = 2e-6;

/// The largest difference of two tensors of one shape, over the largest value expected.
double difference(const Tensor& actual, const Tensor& expected);

/// The inputs of a graph, by name.
using Inputs = std::map<std::string, Tensor>;
/// Writes a graph with these inputs, runs it, and checks that the plain reference gives the same.
std::map<std::string, Tensor> run_graph(
    const Inputs& inputs,
    const std::function<void(Graph&, const std::map<std::string, Value>&)>& build);

/// The result of a layer for the input of a case, offline.
Tensor run_offline(const Layer& layer, const Tensor& x);

/// Loads the weights of a case, runs its input and compares with its result.
void expect_golden(Layer& layer, const std::string& name);
void expect_golden(Layer&& layer, const std::string& name);

/// Streams the input of a case in blocks of 1, 7, 64 and 1000 frames under the real-time guard and
/// compares with its result, late by the stream's latency.
void expect_streams_golden(Layer&& layer, const std::string& name);

}  // namespace metalaudio::nn::layers
