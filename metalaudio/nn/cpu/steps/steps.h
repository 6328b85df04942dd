#pragma once

#include <metalaudio/nn/cpu/cpu_step.h>

namespace metalaudio::nn::cpu {

// One maker for every operation; y is the last value of what was fused behind it.

std::unique_ptr<Step> make_group_norm(const GroupNorm& norm, const Node& node,
                                      Activation activation, Value y, StepMaker& maker);
std::unique_ptr<Step> make_layer_norm(const LayerNorm& norm, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_rms_norm(const RmsNorm& norm, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_attention(const GemmKernel& kernel, const Attention& attention,
                                     const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_rotary(const Rotary& rotary, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_unary(const Unary& unary, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_glu(const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_binary(const Binary& binary, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_bit_cast(const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_cast(const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_transpose(const Transpose& transpose, const Node& node,
                                     StepMaker& maker);
std::unique_ptr<Step> make_slice(const Slice& slice, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_expand(const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_concat(const Concat& concat, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_pad(const Pad& pad, const Node& node, StepMaker& maker);
/// Whether a MatMul packs its b while it is made, and reads it no more.
bool packs_matrix(const Graph& graph, const Node& node);
std::unique_ptr<Step> make_matmul(const GemmKernel& kernel, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_softmax(const Softmax& softmax, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_lstm(const Lstm& lstm, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_gru(const Gru& gru, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_rnn(const Rnn& rnn, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_where(const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_trilu(const Trilu& trilu, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_one_hot(const OneHot& one_hot, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_reduce(const Reduce& reduce, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_arg_reduce(const ArgReduce& reduce, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_cum_sum(const CumSum& sum, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_top_k(const TopK& top, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_gather(const Gather& gather, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_gather_elements(const GatherElements& gather, const Node& node,
                                           StepMaker& maker);
std::unique_ptr<Step> make_gather_nd(const GatherNd& gather, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_scatter_elements(const ScatterElements& scatter, const Node& node,
                                            StepMaker& maker);
std::unique_ptr<Step> make_scatter_nd(const ScatterNd& scatter, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_quantize(const Quantize& quantize, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_dequantize(const Dequantize& quantize, const Node& node,
                                      StepMaker& maker);
std::unique_ptr<Step> make_pool(const Pool& pool, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_resize(const Resize& resize, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_dft(const Dft& dft, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_stft(const Stft& stft, const Node& node, StepMaker& maker);

}  // namespace metalaudio::nn::cpu
