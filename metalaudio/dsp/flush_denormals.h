#pragma once

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace metalaudio::dsp {

/// A scope in which this thread's floating point takes denormals for zero: a decaying tail must not
/// slow the audio thread down a hundredfold.
/// Realtime: all of it.
class FlushDenormals {
 public:
#if defined(__SSE2__)
  FlushDenormals() noexcept : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | kFlush); }
  ~FlushDenormals() { _mm_setcsr(saved_); }

 private:
  static constexpr unsigned kFlush = 0x8040;  // flush results to zero, read denormals as zero
  unsigned saved_;
#elif defined(__aarch64__)
  FlushDenormals() noexcept {
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    asm volatile("msr fpcr, %0" : : "r"(saved_ | kFlush));
  }
  ~FlushDenormals() { asm volatile("msr fpcr, %0" : : "r"(saved_)); }

 private:
  static constexpr unsigned long kFlush = 1UL << 24;
  unsigned long saved_;
#else
  FlushDenormals() noexcept = default;
  ~FlushDenormals() {}
#endif

 public:
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;
};

}  // namespace metalaudio::dsp
