#pragma once

#include <metalaudio/nn/cpu/numbers.h>
#include <metalaudio/nn/cpu/steps/conv.h>

namespace metalaudio::nn::cpu {

/// Which values of a graph lie in their slots as bfloat16, since every step that reads them would
/// round them so.
class HalfValues;

/// Where a convolution reads or writes: a slot, and whether it holds bfloat16.
struct NumbersSlot {
  Slot slot;
  bool halves = false;

  Numbers at(const CpuRun& run) const noexcept { return {run.at<std::byte>(slot), halves}; }
};
NumbersSlot numbers_slot(Value value, const HalfValues& halves, StepMaker& maker);

/// Whether a convolution, transposed or not, multiplies rows of bfloat16 in tiles where they lie.
bool takes_halves(const ConvParts& parts, Value y, const Graph& graph);

/// A convolution over one or two axes in such tiles, whole or in parts of another step. Rows are
/// those of all batches.
class HalfConv : public CpuStep {
 public:
  /// One row of the result.
  virtual void run_row(const CpuRun& run, std::size_t row, Numbers to,
                       ThreadScratch& scratch) const noexcept = 0;
  /// Positions [first, first + count) of a row, at most kBlockRows, of a convolution of one tap,
  /// whose input is at x: of so many positions as whole tiles have, and a tile's depth behind the
  /// last one that is finite.
  virtual void run_positions(const CpuRun& run, std::size_t row, std::size_t first,
                             std::size_t count, const BFloat16* x,
                             ThreadScratch& scratch) const noexcept = 0;
};
/// y: where the result goes. By positions x is none.
std::unique_ptr<HalfConv> make_half_conv(const ConvParts& parts, Value result, ConvUse use,
                                         NumbersSlot y, const HalfValues& halves, StepMaker& maker);
std::unique_ptr<Step> make_half_conv_transpose(const ConvParts& parts, Value y,
                                               const HalfValues& halves, StepMaker& maker);

}  // namespace metalaudio::nn::cpu
