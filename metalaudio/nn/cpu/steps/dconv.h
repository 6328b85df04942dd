#pragma once

#include <metalaudio/nn/cpu/steps/half_conv.h>
#include <metalaudio/nn/fusion/dconv.h>

#include <optional>
#include <vector>

namespace metalaudio::nn::cpu {

/// Layers one behind the other, each of which reads the result of the one before; the convolution
/// whose result the first of them reads; and one of one tap behind them, with as many channels.
struct DConvChain {
  std::optional<ConvParts> head;
  std::vector<DConvParts> layers;
  std::optional<ConvParts> tail;
  Value y;
};

/// Whether the layers read and write bfloat16, in the tiles of AMX: vectors of float32 are faster
/// where there are few hidden channels.
bool takes_halves(const GemmKernel& kernel, const DConvChain& chain, const Graph& graph);

/// `threads` decides whether rows or the positions of all rows are shared.
std::unique_ptr<Step> make_dconv(const GemmKernel& kernel, const DConvChain& chain,
                                 std::size_t threads, const HalfValues& halves, StepMaker& maker);

}  // namespace metalaudio::nn::cpu
