#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace metalaudio {

/// How a thread rounds and whether it keeps denormals: the control bits of its floating-point
/// unit, without the flags of what has happened. Zero on a machine that is not known.
/// Threads:  a value; current() and apply() are about the calling thread.
/// Realtime: all of it.
class FloatingPointMode {
 public:
  /// That of the calling thread.
  static FloatingPointMode current() noexcept { return FloatingPointMode(read() & ~kFlags); }
  /// Gives it to the calling thread.
  void apply() const noexcept { write((read() & kFlags) | bits_); }

  FloatingPointMode with_flushed_denormals() const noexcept {
    return FloatingPointMode(bits_ | kFlush);
  }

  friend bool operator==(FloatingPointMode, FloatingPointMode) noexcept = default;

 private:
  explicit FloatingPointMode(std::uint64_t bits) noexcept : bits_(bits) {}

#if defined(__SSE2__)
  static constexpr std::uint64_t kFlags = 0x3F;
  static constexpr std::uint64_t kFlush = 0x8040;  // results to zero, and operands
  static std::uint64_t read() noexcept { return _mm_getcsr(); }
  static void write(std::uint64_t bits) noexcept { _mm_setcsr(static_cast<unsigned>(bits)); }
#elif defined(__aarch64__)
  static constexpr std::uint64_t kFlags = 0;  // they have a register of their own
  static constexpr std::uint64_t kFlush = 1U << 24U;
  static std::uint64_t read() noexcept {
    std::uint64_t bits = 0;
    asm volatile("mrs %0, fpcr" : "=r"(bits));
    return bits;
  }
  static void write(std::uint64_t bits) noexcept { asm volatile("msr fpcr, %0" : : "r"(bits)); }
#else
  static constexpr std::uint64_t kFlags = 0;
  static constexpr std::uint64_t kFlush = 0;
  static std::uint64_t read() noexcept { return 0; }
  static void write(std::uint64_t) noexcept {}
#endif

  std::uint64_t bits_;
};

/// A scope in which this thread's floating point takes denormals for zero: a decaying tail must not
/// slow the audio thread down a hundredfold.
/// Threads:  it changes the thread that makes it, and must end on the same.
/// Realtime: all of it.
class FlushDenormals {
 public:
  FlushDenormals() noexcept : before_(FloatingPointMode::current()) {
    before_.with_flushed_denormals().apply();
  }
  ~FlushDenormals() { before_.apply(); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  FloatingPointMode before_;
};

}  // namespace metalaudio
