#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace metalaudio::dsp {

/// Hands the latest value from one writing thread to one reading thread; neither ever waits.
/// Threads:  write_slot() and publish() on one thread, take() and read_slot() on another.
/// Realtime: all but the constructor, if T's own functions are.
template <typename T>
class TripleBuffer {
 public:
  explicit TripleBuffer(const T& value) : slots_{value, value, value} {}

  /// To fill before publish().
  T& write_slot() noexcept { return slots_[write_]; }
  void publish() noexcept {
    write_ = middle_.exchange(write_ | kFresh, std::memory_order_acq_rel) & kIndex;
  }

  /// Whether something was published since the last call; read_slot() then is the latest.
  bool take() noexcept {
    if ((middle_.load(std::memory_order_relaxed) & kFresh) == 0) return false;
    read_ = middle_.exchange(read_, std::memory_order_acq_rel) & kIndex;
    return true;
  }
  const T& read_slot() const noexcept { return slots_[read_]; }

 private:
  static constexpr std::uint8_t kIndex = 3;
  static constexpr std::uint8_t kFresh = 4;

  std::array<T, 3> slots_;
  std::uint8_t write_ = 0;               // the writer's
  std::uint8_t read_ = 2;                // the reader's
  std::atomic<std::uint8_t> middle_{1};  // exchanged by both
};

}  // namespace metalaudio::dsp
