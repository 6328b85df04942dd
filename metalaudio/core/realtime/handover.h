#pragma once

#include <metalaudio/core/realtime/marker.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace metalaudio {

/// Hands jobs from an audio thread to a worker and back, in order, in slots that are made once: the
/// worker leaves its result where the job lies. Neither ever waits or wakes the other.
/// Threads:  free_slot(), submit(), finished(), release() and clear() on the audio thread;
///           next_job() and finish() on the worker. clear() only while the worker rests.
/// Realtime: all but the constructor.
template <typename Job>
class Handover {
 public:
  /// `capacity` copies of `job`.
  Handover(std::size_t capacity, const Job& job) : slots_(capacity, job) {}

  /// To be filled before submit(); null while all slots are under way.
  METALAUDIO_REALTIME Job* free_slot() noexcept {
    const std::uint64_t next = submitted_.load(std::memory_order_relaxed);
    return next - released_ < slots_.size() ? &slot(next) : nullptr;
  }
  METALAUDIO_REALTIME void submit() noexcept {
    submitted_.store(submitted_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  /// The oldest job that the worker has done and that was not released; null if none is.
  METALAUDIO_REALTIME Job* finished() noexcept {
    return released_ < finished_.load(std::memory_order_acquire) ? &slot(released_) : nullptr;
  }
  METALAUDIO_REALTIME void release() noexcept { ++released_; }

  /// The oldest job that waits; null if none does.
  METALAUDIO_REALTIME Job* next_job() noexcept {
    const std::uint64_t next = finished_.load(std::memory_order_relaxed);
    return next < submitted_.load(std::memory_order_acquire) ? &slot(next) : nullptr;
  }
  METALAUDIO_REALTIME void finish() noexcept {
    finished_.store(finished_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  METALAUDIO_REALTIME void clear() noexcept {
    submitted_.store(0, std::memory_order_relaxed);
    finished_.store(0, std::memory_order_relaxed);
    released_ = 0;
  }

 private:
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

  Job& slot(std::uint64_t number) noexcept { return slots_[number % slots_.size()]; }

  std::vector<Job> slots_;
  std::uint64_t released_ = 0;  // the audio thread's
  // Each on a line of its own, since two threads write them.
  alignas(64) std::atomic<std::uint64_t> submitted_{0};
  alignas(64) std::atomic<std::uint64_t> finished_{0};
};

}  // namespace metalaudio
