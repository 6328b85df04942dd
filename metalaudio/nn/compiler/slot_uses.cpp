#include <metalaudio/nn/compiler/slot_uses.h>

#include <algorithm>

namespace metalaudio::nn {

void SlotUses::add(std::size_t bytes, int time) {
  uses_.push_back({.life = {bytes, time, time}, .times = {}});
}

void SlotUses::touch(Slot slot, int time) {
  Use& use = at(slot);
  use.life.last = time;
  if (use.times.empty() || use.times.back() != time) use.times.push_back(time);
}

void SlotUses::make(Slot slot, int time) {
  touch(slot, time);
  at(slot).made = time;
}

std::vector<int> SlotUses::wait(int time, int first, std::span<const Slot> reads) {
  std::vector<int> made;
  for (const Slot slot : reads) made.push_back(at(slot).made);
  return order_.add(time, first, made);
}

void SlotUses::sort(std::vector<std::size_t>& slots) const {
  std::ranges::stable_sort(slots, {}, [this](std::size_t slot) { return uses_[slot].life.first; });
}

ArenaLayout SlotUses::lay_out(std::span<const std::size_t> slots) const {
  std::vector<Lifetime> lives;
  for (const std::size_t slot : slots) lives.push_back(uses_[slot].life);
  if (order_.empty()) return lay_out_arena(lives);
  return lay_out_arena(lives, [&](std::size_t earlier, std::size_t later) {
    return std::ranges::any_of(uses_[slots[earlier]].times,
                               [&](int time) { return !order_.over(time, lives[later].first); });
  });
}

}  // namespace metalaudio::nn
