#pragma once

#include <metalaudio/core/realtime/marker.h>

#include <atomic>
#include <cstdint>
#include <string_view>

namespace metalaudio {

/// What a processor met on the audio thread, where it cannot throw.
enum class Trouble : std::uint8_t {
  none,
  input_replaced,      ///< samples that were not finite, or out of range, and taken for 0
  parameters_refused,  ///< parameters that cannot be; the last ones go on
  state_cleared,       ///< a state that had overflowed
  device_lost,         ///< the device failed; the output is silent from there on
  output_silenced,     ///< results that were not finite, and silence in their place
  memory_dropped,      ///< its memory was given back; silence until it is prepared again
  output_late,         ///< a worker was not done in time; silence or the input stood in
};

/// "input_replaced".
std::string_view to_string(Trouble trouble) noexcept;

/// What an audio thread leaves for a control thread to read: the first trouble since the last
/// take(). A copy starts with the same.
/// Threads:  any.
/// Realtime: all of it.
class RealtimeStatus {
 public:
  RealtimeStatus() = default;
  RealtimeStatus(const RealtimeStatus& other) noexcept : trouble_(other.peek()) {}
  RealtimeStatus& operator=(const RealtimeStatus& other) noexcept {
    trouble_.store(other.peek(), std::memory_order_relaxed);
    return *this;
  }
  ~RealtimeStatus() = default;

  /// Keeps `trouble` unless an earlier one waits.
  METALAUDIO_REALTIME void report(Trouble trouble) noexcept {
    Trouble none = Trouble::none;
    trouble_.compare_exchange_strong(none, trouble, std::memory_order_relaxed);
  }
  /// The first trouble, which is forgotten with it.
  METALAUDIO_REALTIME Trouble take() noexcept {
    return trouble_.exchange(Trouble::none, std::memory_order_relaxed);
  }
  /// The same, and it stays.
  METALAUDIO_REALTIME Trouble peek() const noexcept {
    return trouble_.load(std::memory_order_relaxed);
  }

 private:
  static_assert(std::atomic<Trouble>::is_always_lock_free);

  std::atomic<Trouble> trouble_{Trouble::none};
};

}  // namespace metalaudio
