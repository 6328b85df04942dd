#pragma once

#include <metalaudio/core/realtime/marker.h>

#include <atomic>
#include <type_traits>

namespace metalaudio {

/// What an audio thread leaves for a control thread to read: the first trouble since the last
/// take(), as a code of the processor's own enumeration, in which Code{} means that all is well.
/// Threads:  any.
/// Realtime: all of it.
template <typename Code>
requires std::is_enum_v<Code>
class RealtimeStatus {
 public:
  /// Keeps `code` unless an earlier one waits.
  METALAUDIO_REALTIME void report(Code code) noexcept {
    Code expected{};
    code_.compare_exchange_strong(expected, code, std::memory_order_relaxed);
  }
  /// The first trouble, which is forgotten with it.
  METALAUDIO_REALTIME Code take() noexcept {
    return code_.exchange(Code{}, std::memory_order_relaxed);
  }
  /// The same, and it stays.
  METALAUDIO_REALTIME Code peek() const noexcept { return code_.load(std::memory_order_relaxed); }

 private:
  static_assert(std::atomic<Code>::is_always_lock_free);

  std::atomic<Code> code_{};
};

}  // namespace metalaudio
