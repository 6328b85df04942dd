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

std::string refusal_of(const Attention& attention, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Attention& attention, const Making& making);
std::string refusal_of(const Transpose& transpose, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Transpose& transpose, const Making& making);
std::string refusal_of(const Slice& slice, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Slice& slice, const Making& making);
std::string refusal_of(const Concat& concat, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Concat& concat, const Making& making);
std::string refusal_of(const Expand& expand, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Expand& expand, const Making& making);
std::string refusal_of(const Pad& pad, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Pad& pad, const Making& making);
std::string refusal_of(const Where& where, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Where& where, const Making& making);
std::string refusal_of(const Trilu& trilu, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Trilu& trilu, const Making& making);
std::string refusal_of(const Reduce& reduce, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Reduce& reduce, const Making& making);
std::string refusal_of(const ArgReduce& reduce, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const ArgReduce& reduce, const Making& making);
std::string refusal_of(const CumSum& sum, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const CumSum& sum, const Making& making);
std::string refusal_of(const Softmax& softmax, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Softmax& softmax, const Making& making);
std::string refusal_of(const TopK& top, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const TopK& top, const Making& making);
std::string refusal_of(const MatMul& matmul, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const MatMul& matmul, const Making& making);
std::string refusal_of(const Lstm& lstm, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Lstm& lstm, const Making& making);
std::string refusal_of(const Gru& gru, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Gru& gru, const Making& making);
std::string refusal_of(const Rnn& rnn, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Rnn& rnn, const Making& making);
std::string refusal_of(const Gather& gather, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Gather& gather, const Making& making);
std::string refusal_of(const GatherElements& gather, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const GatherElements& gather, const Making& making);
std::string refusal_of(const GatherNd& gather, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const GatherNd& gather, const Making& making);
std::string refusal_of(const ScatterElements& scatter, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const ScatterElements& scatter, const Making& making);
std::string refusal_of(const ScatterNd& scatter, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const ScatterNd& scatter, const Making& making);
std::string refusal_of(const OneHot& one_hot, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const OneHot& one_hot, const Making& making);
std::string refusal_of(const Pool& pool, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Pool& pool, const Making& making);
std::string refusal_of(const Resize& resize, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Resize& resize, const Making& making);
std::string refusal_of(const Quantize& quantize, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Quantize& quantize, const Making& making);
std::string refusal_of(const Dequantize& quantize, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Dequantize& quantize, const Making& making);
std::string refusal_of(const Dft& dft, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Dft& dft, const Making& making);
std::string refusal_of(const Stft& stft, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Stft& stft, const Making& making);
std::string refusal_of(const Rotary& rotary, const Graph& graph, const Node& node);
std::unique_ptr<Step> make_step(const Rotary& rotary, const Making& making);

template <typename Operation>
concept HasStep = requires(const Operation& operation, const Making& making) {
  { make_step(operation, making) } -> std::same_as<std::unique_ptr<Step>>;
};

/// Empty where the type is f32, f16 or bf16.
std::string refuse_unless_real(const Graph& graph, Value value);

}  // namespace metalaudio::nn::cuda
