#pragma once

#include <metalaudio/nn/cpu/cpu_step.h>

namespace metalaudio::nn::cpu {

// Steps of float32 and double for what the fast ones do not take: double, weights that are not
// constant, more axes, other activations. They sum in double and read weights where they lie.

std::unique_ptr<Step> make_general(const Conv& conv, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_general(const ConvTranspose& conv, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_general(const Lstm& lstm, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_general(const Gru& gru, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_general(const Rnn& rnn, const Node& node, StepMaker& maker);

// Of double alone.

std::unique_ptr<Step> make_general(const Glu& glu, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_general(const GroupNorm& norm, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_general(const LayerNorm& norm, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_general(const RmsNorm& norm, const Node& node, StepMaker& maker);
std::unique_ptr<Step> make_general(const Softmax& softmax, const Node& node, StepMaker& maker);

}  // namespace metalaudio::nn::cpu
