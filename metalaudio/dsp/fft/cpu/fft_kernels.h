#pragma once

#include <metalaudio/dsp/fft/cpu/plan.h>
#include <metalaudio/dsp/fft/cpu/real_plan.h>

#include <cstddef>

namespace metalaudio::dsp {

/// The FFT's kernels for one instruction set. A plan keeps the table that it was made with.
/// All arrays named re and im are split; x is interleaved complex.
template <typename T>
struct FftKernels {
  std::size_t lanes;  ///< of the widest vector

  /// Complex transforms by FftLanes, for plans of any power-of-two lanes up to the widest.
  void (*lanes_split)(const FftLanes<T>& plan, const T* in_re, const T* in_im, T* out_re, T* out_im,
                      T* scratch);
  void (*lanes_from_interleaved)(const FftLanes<T>& plan, const T* x, T* out_re, T* out_im,
                                 T* scratch);
  /// Writes imaginary parts first: the inverse, once re and im have been exchanged on the way in.
  void (*lanes_to_exchanged)(const FftLanes<T>& plan, const T* in_re, const T* in_im, T* x,
                             T* scratch);
  /// Reads up to a vector past in's end; writes up to one past out's end if tall < lanes.
  void (*grid_split)(const FftGrid<T>& plan, const T* in_re, const T* in_im, T* out_re, T* out_im,
                     T* scratch);

  /// Real transforms by FftReal, whole (kFftWhole) or one of their steps; the inverse divides by
  /// size.
  void (*real_forward)(const FftReal<T>& plan, FftOrder order, const T* x, T* re, T* im, T* scratch,
                       std::size_t step);
  void (*real_inverse)(const FftReal<T>& plan, FftOrder order, const T* re, const T* im, T* x,
                       T* scratch, std::size_t step);

  void (*deinterleave)(const T* x, std::size_t n, T* re, T* im);
  void (*interleave)(const T* re, const T* im, std::size_t n, T* x);

  /// Between the spectrum Z of n points that holds a real signal's even and odd samples and the
  /// signal's own n + 1 bins X. w[k] = -i/2 · exp(-πik/n), k <= n/2, split; Z[n] must be writable.
  void (*separate_halves)(T* z_re, T* z_im, std::size_t n, const T* w_re, const T* w_im, T* re,
                          T* im);
  void (*separate_halves_interleaved)(T* z_re, T* z_im, std::size_t n, const T* w_re, const T* w_im,
                                      T* x);
  /// And back, times 2 · gain.
  void (*join_halves)(const T* re, const T* im, std::size_t n, const T* w_re, const T* w_im, T gain,
                      T* z_re, T* z_im);
  void (*join_halves_interleaved)(const T* x, std::size_t n, const T* w_re, const T* w_im, T gain,
                                  T* z_re, T* z_im);

  /// sum += a · b over n complex numbers.
  void (*multiply_accumulate)(const T* a_re, const T* a_im, const T* b_re, const T* b_im,
                              std::size_t n, T* sum_re, T* sum_im);
};

/// The table for the best instruction set of this machine.
template <typename T>
const FftKernels<T>& fft_kernels();

}  // namespace metalaudio::dsp
