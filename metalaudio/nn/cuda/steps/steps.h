#pragma once

#include <metalaudio/nn/cuda/cuda_step.h>

#include <concepts>
#include <memory>
#include <string>

namespace metalaudio::nn::cuda {

// What a GPU has for each operation, in two overloads: `refusal_of(operation, graph, node)` says why
// it does not take a node, and is empty where it does; `make_step(operation, making)` makes the step
// of one that it took. An operation that has none runs on the CPU.

std::string refusal_of(const Unary& unary, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Unary& unary, const Making& making);
std::string refusal_of(const Binary& binary, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Binary& binary, const Making& making);
std::string refusal_of(const Cast& cast, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Cast& cast, const Making& making);
std::string refusal_of(const Glu& glu, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Glu& glu, const Making& making);
std::string refusal_of(const GroupNorm& norm, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const GroupNorm& norm, const Making& making);
std::string refusal_of(const LayerNorm& norm, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const LayerNorm& norm, const Making& making);
std::string refusal_of(const RmsNorm& norm, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const RmsNorm& norm, const Making& making);
std::string refusal_of(const Conv& conv, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Conv& conv, const Making& making);
std::string refusal_of(const ConvTranspose& conv, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const ConvTranspose& conv, const Making& making);

template <typename Operation>
concept HasStep = requires(const Operation& operation, const Making& making) {
  { make_step(operation, making) } -> std::same_as<std::unique_ptr<Step>>;
};

/// Empty where the type is f32, f16 or bf16.
std::string refuse_unless_real(const Graph& graph, Value value);

}  // namespace metalaudio::nn::cuda
