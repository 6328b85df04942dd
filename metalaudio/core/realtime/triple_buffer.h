#pragma once

#include <metalaudio/core/realtime/marker.h>

#include <array>
#include <atomic>
#include <cstdint>

namespace metalaudio {

/// Hands the latest value from one writing thread to one reading thread; neither ever waits.
/// Threads:  write_buffer() and publish() on one thread, update() and read_buffer() on another.
/// Realtime: all but the constructor, if T's own functions are.
template <typename T>
class TripleBuffer {
 public:
  explicit TripleBuffer(const T& value = T{}) : buffers_{value, value, value} {}

  /// To fill before publish(); its content is an older value.
  METALAUDIO_REALTIME T& write_buffer() noexcept { return buffers_[write_]; }
  METALAUDIO_REALTIME void publish() noexcept {
    write_ = middle_.exchange(write_ | kFresh, std::memory_order_acq_rel) & kIndex;
  }

  /// Whether something was published since the last call; read_buffer() then is the latest.
  METALAUDIO_REALTIME bool update() noexcept {
    if ((middle_.load(std::memory_order_relaxed) & kFresh) == 0) return false;
    read_ = middle_.exchange(read_, std::memory_order_acq_rel) & kIndex;
    return true;
  }
  METALAUDIO_REALTIME const T& read_buffer() const noexcept { return buffers_[read_]; }

 private:
  static constexpr std::uint8_t kIndex = 3;
  static constexpr std::uint8_t kFresh = 4;
  static_assert(std::atomic<std::uint8_t>::is_always_lock_free);

  std::array<T, 3> buffers_;
  std::uint8_t write_ = 0;               // the writer's
  std::uint8_t read_ = 2;                // the reader's
  std::atomic<std::uint8_t> middle_{1};  // exchanged by both
};

}  // namespace metalaudio
