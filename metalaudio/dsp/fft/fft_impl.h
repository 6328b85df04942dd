#pragma once

#include <metalaudio/dsp/fft_types.h>

#include <complex>
#include <cstddef>
#include <memory>

namespace metalaudio::dsp {

/// One real transform, the seam under BasicFft. Immutable once made: every call
/// works in the scratch that it is given.
template <typename T>
class FftImpl {
 public:
  virtual ~FftImpl() = default;
  virtual std::size_t scratch_size() const noexcept = 0;
  virtual std::size_t unordered_size() const noexcept = 0;
  virtual void forward(const T* x, std::complex<T>* spectrum, T* scratch) const noexcept = 0;
  virtual void forward(const T* x, T* re, T* im, T* scratch) const noexcept = 0;
  virtual void inverse(const std::complex<T>* spectrum, T* x, T* scratch) const noexcept = 0;
  virtual void inverse(const T* re, const T* im, T* x, T* scratch) const noexcept = 0;
  virtual void forward_unordered(const T* x, T* spectrum, T* scratch) const noexcept = 0;
  virtual void inverse_unordered(const T* spectrum, T* x, T* scratch) const noexcept = 0;
  /// Both in steps: all of [0, steps()) in order, with the same arrays.
  virtual std::size_t steps() const noexcept { return 1; }
  virtual void forward_unordered_step(std::size_t, const T* x, T* spectrum,
                                      T* scratch) const noexcept {
    forward_unordered(x, spectrum, scratch);
  }
  virtual void inverse_unordered_step(std::size_t, const T* spectrum, T* x,
                                      T* scratch) const noexcept {
    inverse_unordered(spectrum, x, scratch);
  }
  virtual void multiply_accumulate(const T* a, const T* b, T* sum) const noexcept = 0;
};

/// One complex transform, the seam under BasicComplexFft.
template <typename T>
class ComplexFftImpl {
 public:
  virtual ~ComplexFftImpl() = default;
  virtual std::size_t scratch_size() const noexcept = 0;
  virtual void forward(const std::complex<T>* x, std::complex<T>* out,
                       T* scratch) const noexcept = 0;
  virtual void forward(const T* x_re, const T* x_im, T* re, T* im, T* scratch) const noexcept = 0;
  virtual void inverse(const std::complex<T>* x, std::complex<T>* out,
                       T* scratch) const noexcept = 0;
  virtual void inverse(const T* x_re, const T* x_im, T* re, T* im, T* scratch) const noexcept = 0;
};

/// Throws Error{invalid_argument} on a size of 0 or past 2^27, in the name of `operation`.
void check_fft_size(const char* operation, std::size_t size);

template <typename T>
std::unique_ptr<const FftImpl<T>> make_fft_cpu(std::size_t size);
template <typename T>
std::unique_ptr<const ComplexFftImpl<T>> make_complex_fft_cpu(std::size_t size);

}  // namespace metalaudio::dsp
