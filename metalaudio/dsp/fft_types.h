#pragma once

#include <metalaudio/core/array.h>

#include <span>

namespace metalaudio::dsp {

/// Complex numbers as two arrays of one length.
template <typename T>
struct SplitSpan {
  std::span<T> re;
  std::span<T> im;
};

/// Working memory of one caller of a batch function; made by the transform that it serves.
/// Threads:  one instance per thread.
template <typename T>
class FftScratch {
 public:
  explicit FftScratch(std::size_t size) : memory_(size) {}
  T* data() noexcept { return memory_.data(); }

 private:
  Array<T> memory_;
};

}  // namespace metalaudio::dsp
