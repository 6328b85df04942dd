#include <metalaudio/core/error.h>
#include <metalaudio/nn/compiler/workspace.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace metalaudio::nn {

Workspace::Workspace(std::shared_ptr<const Program> program, ThreadPool* pool)
    : program_(std::move(program)), addresses_(program_->constant_addresses) {
  std::vector<void*> arenas;
  for (const Program::Place& place : program_->places) {
    arenas.push_back(memory_.emplace_back(place.arena_bytes, place.device).handle());
    runners_.push_back(place.backend ? place.backend->make_runner(place.steps, place.before, pool)
                                     : nullptr);
  }
  for (std::size_t s = 0; s < program_->slots.size(); ++s) {
    const SlotInfo& slot = program_->slots[s];
    const auto place = static_cast<std::size_t>(slot.place);
    if (slot.kind == SlotKind::arena) {
      addresses_[s] = {arenas[place], slot.offset};
    } else if (slot.kind == SlotKind::state) {
      addresses_[s] = {memory_.emplace_back(slot.bytes, program_->places[place].device).handle(),
                       0};
    }
  }
  std::size_t largest = 0;
  const auto stage = [&](Slot slot) {
    largest = std::max(largest, program_->slots[static_cast<std::size_t>(slot.index)].bytes);
  };
  for (const ProgramItem& item : program_->items) {
    if (item.copy) stage(item.to);
  }
  for (const ProgramState& state : program_->states) stage(state.read);
  staging_.resize(largest);
  prepare();
  reset();
}

/// For both ways that the states' halves can lie.
void Workspace::prepare() {
  for (int half = 0; half < (program_->states.empty() ? 1 : 2); ++half) {
    for (const ProgramItem& item : program_->items) {
      if (item.copy) continue;
      runners_[static_cast<std::size_t>(item.place)]->prepare(item.first, item.last, binding());
    }
    swap_states();
  }
}

bool Workspace::lost() const noexcept {
  return lost_ || std::any_of(runners_.begin(), runners_.end(),
                              [](const auto& runner) { return runner && runner->lost(); });
}

void Workspace::run() noexcept {
  for (const ProgramItem& item : program_->items) {
    if (item.copy) {
      copy(*this, item.from, item.to);
    } else {
      runners_[static_cast<std::size_t>(item.place)]->run(item.first, item.last, binding());
    }
  }
  swap_states();
}

AudioDevice* Workspace::device_of(Slot slot) const noexcept {
  const int place = program_->slots[static_cast<std::size_t>(slot.index)].place;
  return program_->places[static_cast<std::size_t>(place)].device.get();
}

/// from: a slot of `other`, which may be this workspace.
void Workspace::copy(const Workspace& other, Slot from, Slot to) noexcept {
  const std::size_t bytes = program_->slots[static_cast<std::size_t>(to.index)].bytes;
  AudioDevice* const source = other.device_of(from);
  AudioDevice* const target = device_of(to);
  const SlotAddress a = other.address(from);
  const SlotAddress b = address(to);
  if (bytes == 0) return;
  if (source == nullptr && target == nullptr) {
    std::memcpy(b.host(), a.host(), bytes);
    return;
  }
  if (lost_) return;
  try {
    between(source, a, target, b, bytes);
  } catch (const Error&) {
    lost_ = true;
  }
}

/// Of which one at least is a device.
void Workspace::between(AudioDevice* source, const SlotAddress& a, AudioDevice* target,
                        const SlotAddress& b, std::size_t bytes) {
  if (source == nullptr) {
    target->upload(b.handle, b.offset, a.host(), bytes);
  } else if (target == nullptr) {
    source->download(b.host(), a.handle, a.offset, bytes);
  } else if (source == target) {
    target->copy(b.handle, b.offset, a.handle, a.offset, bytes);
  } else {
    source->download(staging_.data(), a.handle, a.offset, bytes);
    target->upload(b.handle, b.offset, staging_.data(), bytes);
  }
}

void Workspace::finish(const Program::Place& place) noexcept {
  if (!place.device || lost_) return;
  try {
    place.device->synchronize();
  } catch (const Error&) {
    lost_ = true;
  }
}

void Workspace::swap_states() noexcept {
  swapped_ = !swapped_ && !program_->states.empty();
  for (const ProgramState& state : program_->states) {
    std::swap(addresses_[static_cast<std::size_t>(state.read.index)],
              addresses_[static_cast<std::size_t>(state.write.index)]);
  }
}

void Workspace::reset() noexcept {
  for (const ProgramState& state : program_->states) {
    const SlotInfo& slot = program_->slots[static_cast<std::size_t>(state.read.index)];
    const SlotAddress to = address(state.read);
    const void* initial = slot.constant->view().handle();
    AudioDevice* const device = device_of(state.read);
    if (slot.bytes == 0) continue;
    if (device == nullptr) {
      std::memcpy(to.host(), initial, slot.bytes);
      continue;
    }
    try {
      device->upload(to.handle, to.offset, initial, slot.bytes);
    } catch (const Error&) {
      lost_ = true;
    }
  }
}

void Workspace::take_states(const Workspace& other) noexcept {
  assert(program_->states.size() == other.program_->states.size());
  for (std::size_t i = 0; i < program_->states.size(); ++i) {
    copy(other, other.program_->states[i].read, program_->states[i].read);
  }
}

}  // namespace metalaudio::nn
