#pragma once

#include <metalaudio/dsp/fft/cpu/fft_kernels.h>

#include <cstddef>
#include <memory>

namespace metalaudio::dsp {

/// A complex transform on the CPU: the form that fits its size best. Immutable once made.
/// Arrays have room for kSlack more elements past their ends, read and written at will.
template <typename T>
class ComplexPlan {
 public:
  static constexpr std::size_t kSlack = 16;

  ComplexPlan(std::size_t size, const FftKernels<T>& kernels) : size_(size), kernels_(kernels) {}
  virtual ~ComplexPlan() = default;

  std::size_t size() const noexcept { return size_; }
  /// Split arrays of this many elements do not share cache sets.
  std::size_t padded_size() const noexcept { return (size_ + 15) / 16 * 16 + 80; }

  virtual std::size_t scratch_size() const noexcept = 0;
  virtual void split(const T* in_re, const T* in_im, T* out_re, T* out_im,
                     T* scratch) const noexcept = 0;

  /// The same from interleaved x, without slack.
  virtual void from_interleaved(const T* x, T* out_re, T* out_im, T* scratch) const noexcept;
  /// The same to x, without slack, with re and im exchanged.
  virtual void to_exchanged(const T* in_re, const T* in_im, T* x, T* scratch) const noexcept;
  /// The scratch of them all.
  std::size_t total_scratch_size() const noexcept { return scratch_size() + 2 * padded_size(); }

 protected:
  const FftKernels<T>& kernels() const noexcept { return kernels_; }

 private:
  std::size_t size_;
  const FftKernels<T>& kernels_;
};

/// Errors:   Error{out_of_memory}.
template <typename T>
std::unique_ptr<const ComplexPlan<T>> make_complex_plan(std::size_t size);

}  // namespace metalaudio::dsp
