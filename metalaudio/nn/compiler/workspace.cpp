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
    runners_.push_back(place.backend ? place.backend->make_runner(place.steps, pool) : nullptr);
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
  for (const ProgramItem& item : program_->items) {
    if (item.copy)
      largest = std::max(largest, program_->slots[static_cast<std::size_t>(item.to.index)].bytes);
  }
  staging_.resize(largest);
  prepare();
  reset();
}

/// For both ways that the states' halves can lie.
void Workspace::prepare() {
  for (int half = 0; half < (program_->states.empty() ? 1 : 2); ++half) {
    for (const ProgramItem& item : program_->items) {
      if (item.copy) continue;
      runners_[static_cast<std::size_t>(item.place)]->prepare(item.first, item.last, addresses_);
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
      copy(item);
    } else {
      runners_[static_cast<std::size_t>(item.place)]->run(item.first, item.last, addresses_);
    }
  }
  swap_states();
}

void Workspace::copy(const ProgramItem& item) noexcept {
  const SlotInfo& from = program_->slots[static_cast<std::size_t>(item.from.index)];
  const SlotInfo& to = program_->slots[static_cast<std::size_t>(item.to.index)];
  AudioDevice* const source = program_->places[static_cast<std::size_t>(from.place)].device.get();
  AudioDevice* const target = program_->places[static_cast<std::size_t>(to.place)].device.get();
  const SlotAddress a = address(item.from);
  const SlotAddress b = address(item.to);
  if (to.bytes == 0) return;
  if (source == nullptr && target == nullptr) {
    std::memcpy(b.host(), a.host(), to.bytes);
    return;
  }
  if (lost_) return;
  try {
    between(source, a, target, b, to.bytes);
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
    AudioDevice* const device = program_->places[static_cast<std::size_t>(slot.place)].device.get();
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
    const Slot slot = program_->states[i].read;
    const SlotInfo& info = program_->slots[static_cast<std::size_t>(slot.index)];
    const SlotAddress from = other.address(other.program_->states[i].read);
    const SlotAddress to = address(slot);
    AudioDevice* const device = program_->places[static_cast<std::size_t>(info.place)].device.get();
    if (info.bytes == 0) continue;
    if (device == nullptr) {
      std::memcpy(to.host(), from.host(), info.bytes);
      continue;
    }
    try {
      device->copy(to.handle, to.offset, from.handle, from.offset, info.bytes);
    } catch (const Error&) {
      lost_ = true;
    }
  }
}

}  // namespace metalaudio::nn
