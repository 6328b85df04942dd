#pragma once

#include <metalaudio/nn/backend.h>
#include <metalaudio/nn/compiler/arena.h>
#include <metalaudio/nn/compiler/step_order.h>

#include <cstddef>
#include <span>
#include <vector>

namespace metalaudio::nn {

/// When each slot of a program is used, in the compiler's time, and where slots can lie for that.
class SlotUses {
 public:
  /// The next slot, alive from a time on.
  void add(std::size_t bytes, int time);
  /// It is read or written.
  void touch(Slot slot, int time);
  /// A step writes what others read.
  void make(Slot slot, int time);
  /// A step, of a stretch that began at `first`, reads these beside others of its stretch: the times
  /// of its stretch that it waits for.
  std::vector<int> wait(int time, int first, std::span<const Slot> reads);

  /// Puts slots, by index, into the order in which their lives begin.
  void sort(std::vector<std::size_t>& slots) const;
  /// Places slots so that those in use at the same time do not overlap.
  ArenaLayout lay_out(std::span<const std::size_t> slots) const;

 private:
  struct Use {
    Lifetime life;
    std::vector<int> times;  ///< when it is read or written
    int made = -1;           ///< when a step writes it; or -1
  };
  Use& at(Slot slot) { return uses_[static_cast<std::size_t>(slot.index)]; }

  std::vector<Use> uses_;  ///< by slot
  StepOrder order_;
};

}  // namespace metalaudio::nn
