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
std::unique_ptr<Step> make_cast(const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_transpose(const Transpose& transpose, const Node& node,
                                     StepMaker& maker);
std::unique_ptr<Step> make_slice(const Slice& slice, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_expand(const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_concat(const Concat& concat, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_pad(const Pad& pad, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_matmul(const GemmKernel& kernel, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_softmax(const Softmax& softmax, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_lstm(const Lstm& lstm, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_gru(const Gru& gru, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_rnn(const Rnn& rnn, const Node& node, StepMaker& maker);

}  // namespace metalaudio::nn::cpu
