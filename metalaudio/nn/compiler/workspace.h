#pragma once

#include <metalaudio/core/buffer.h>
#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/core/thread_pool.h>
#include <metalaudio/nn/compiler/program.h>

#include <memory>
#include <vector>

namespace metalaudio::nn {

/// The memory in which a program runs: its arenas, its states, the addresses of its slots, and each
/// backend's threads and streams.
/// Threads:  one caller at a time.
/// Realtime: run, reset and take_states, where all places are the CPU and there is no pool.
class Workspace {
 public:
  Workspace(std::shared_ptr<const Program> program, ThreadPool* pool);

  const Program& program() const noexcept { return *program_; }
  const std::shared_ptr<const Program>& shared_program() const noexcept { return program_; }
  SlotAddress address(Slot slot) const noexcept {
    return addresses_[static_cast<std::size_t>(slot.index)];
  }

  /// Runs everything, or one item's steps one after the other with `after(report index)` between.
  METALAUDIO_REALTIME void run() noexcept;
  template <typename After>
  void run_timed(After&& after) noexcept {
    for (const ProgramItem& item : program_->items) {
      if (item.copy) {
        copy(*this, item.from, item.to);
        continue;
      }
      const auto place = static_cast<std::size_t>(item.place);
      for (std::size_t step = item.first; step < item.last; ++step) {
        runners_[place]->run(step, step + 1, binding());
        finish(program_->places[place]);
        after(program_->places[place].reports[step]);
      }
    }
    swap_states();
  }
  METALAUDIO_REALTIME void reset() noexcept;
  /// Whether a device was lost, here or in a runner; copies between devices do nothing from then on.
  METALAUDIO_REALTIME bool lost() const noexcept;
  /// Of a program with the same states, wherever either has them.
  METALAUDIO_REALTIME void take_states(const Workspace& other) noexcept;

 private:
  AudioDevice* device_of(Slot slot) const noexcept;
  void copy(const Workspace& other, Slot from, Slot to) noexcept;
  void between(AudioDevice* source, const SlotAddress& a, AudioDevice* target, const SlotAddress& b,
               std::size_t bytes);
  /// Waits for a device, so that time can be taken.
  void finish(const Program::Place& place) noexcept;
  void swap_states() noexcept;
  SlotBinding binding() const noexcept { return {addresses_, swapped_ ? 1U : 0U}; }
  void prepare();

  std::shared_ptr<const Program> program_;
  std::vector<Buffer> memory_;
  std::vector<std::byte> staging_;  ///< between two devices
  std::vector<SlotAddress> addresses_;
  std::vector<std::unique_ptr<Runner>> runners_;
  bool swapped_ = false;  ///< how the states' halves lie
  bool lost_ = false;
};

}  // namespace metalaudio::nn
