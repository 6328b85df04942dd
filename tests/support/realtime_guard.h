#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace metalaudio::testing {

/// A scope in which the thread that made it must stay real-time: the running test fails at its end
/// if that thread allocated, freed, took or waited for a lock, or made a system call that can
/// block.
///
///     { RealtimeGuard guard; filter.process(block); }
///
/// It works by defining malloc, pthread_mutex_lock, read and so on in the test program, so that
/// calls from every library arrive there first. Under a sanitizer, which owns malloc, its malloc
/// hooks report instead. Set METALAUDIO_REALTIME_BACKTRACE=1 to print where each violation is.
/// Threads:  watches only its own thread; guards may nest, the innermost records.
class RealtimeGuard {
 public:
  enum class OnViolation { fail_test, count };

  explicit RealtimeGuard(OnViolation on_violation = OnViolation::fail_test) noexcept;
  ~RealtimeGuard();
  RealtimeGuard(const RealtimeGuard&) = delete;
  RealtimeGuard& operator=(const RealtimeGuard&) = delete;

  std::size_t violations() const noexcept { return violations_; }
  /// Whether a function of this name was among the first kNamesKept violations.
  bool saw(std::string_view function) const noexcept;
  /// "malloc, pthread_mutex_lock"; allocates, so for use after the guarded work.
  std::string names() const;

  /// Called by the interposed functions: a violation, if the calling thread is guarded.
  static void note(const char* function) noexcept;

  /// Takes the calling thread out of its guard, for what the guard itself has to do.
  class Suspend {
   public:
    Suspend() noexcept;
    ~Suspend();
    Suspend(const Suspend&) = delete;
    Suspend& operator=(const Suspend&) = delete;

   private:
    RealtimeGuard* suspended_;
  };

 private:
  static constexpr std::size_t kNamesKept = 16;

  OnViolation on_violation_;
  RealtimeGuard* outer_;
  std::size_t violations_ = 0;
  std::array<const char*, kNamesKept> names_{};
};

}  // namespace metalaudio::testing
