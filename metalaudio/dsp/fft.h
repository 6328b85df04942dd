#pragma once

#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/dsp/fft_types.h>

#include <complex>
#include <cstddef>
#include <memory>
#include <span>

namespace metalaudio::dsp {

template <typename T>
class FftImpl;

/// Real FFT of one fixed size on the CPU; BatchedFft works on a GPU too. forward() is unscaled;
/// inverse() divides by size.
/// Shapes:   x[size] <-> X[bins], bins = size/2 + 1; interleaved or split.
/// Errors:   the constructor throws Error{invalid_argument} unless 1 <= size <= 2^27. Any size works;
///           those of the form 2^a·3^b·5^c·7^d are fast, the others go through Bluestein's algorithm.
/// Threads:  one instance per thread; *_batch() may be called from several, each with its scratch.
/// Realtime: everything but the constructor and make_scratch().
/// Source:   Temperton, "Self-sorting mixed-radix fast Fourier transforms", J. Comp. Phys. 52
///           (1983); Bluestein, IEEE Trans. AU-18 (1970).
template <typename T>
class BasicFft {
 public:
  using Complex = std::complex<T>;

  explicit BasicFft(std::size_t size);
  ~BasicFft();
  BasicFft(BasicFft&&) noexcept;
  BasicFft& operator=(BasicFft&&) noexcept;

  std::size_t size() const noexcept { return size_; }
  std::size_t bins() const noexcept { return size_ / 2 + 1; }

  METALAUDIO_REALTIME void forward(std::span<const T> x, std::span<Complex> spectrum) noexcept;
  METALAUDIO_REALTIME void forward(std::span<const T> x, SplitSpan<T> spectrum) noexcept;
  /// The imaginary parts of bin 0 and, for even sizes, of the last bin are taken as zero.
  METALAUDIO_REALTIME void inverse(std::span<const Complex> spectrum, std::span<T> x) noexcept;
  METALAUDIO_REALTIME void inverse(SplitSpan<const T> spectrum, std::span<T> x) noexcept;

  /// Many transforms: x[count][size] <-> spectra[count][bins].
  METALAUDIO_REALTIME void forward_batch(std::span<const T> x, std::span<Complex> spectra,
                                         FftScratch<T>& scratch) const noexcept;
  METALAUDIO_REALTIME void inverse_batch(std::span<const Complex> spectra, std::span<T> x,
                                         FftScratch<T>& scratch) const noexcept;
  FftScratch<T> make_scratch() const;
  /// The elements of such a scratch, for a caller that wants more behind them.
  std::size_t scratch_size() const noexcept;

  /// The layout for convolution: the bins in an order of the device's choice, in unordered_size()
  /// numbers. The only things to do with it are multiply_accumulate() and sums.
  std::size_t unordered_size() const noexcept;
  METALAUDIO_REALTIME void forward_unordered(std::span<const T> x, std::span<T> spectrum) noexcept;
  METALAUDIO_REALTIME void inverse_unordered(std::span<const T> spectrum, std::span<T> x) noexcept;
  /// The same two in steps of about a microsecond or two, for a caller that spreads a long
  /// transform over many blocks: all of [0, steps()) in order, and no other transform in between.
  std::size_t steps() const noexcept;
  METALAUDIO_REALTIME void forward_unordered_step(std::size_t step, std::span<const T> x,
                                                  std::span<T> spectrum) noexcept;
  METALAUDIO_REALTIME void inverse_unordered_step(std::size_t step, std::span<const T> spectrum,
                                                  std::span<T> x) noexcept;
  /// sum += a · b, bin by bin, of unordered spectra.
  METALAUDIO_REALTIME void multiply_accumulate(std::span<const T> a, std::span<const T> b,
                                               std::span<T> sum) const noexcept;

 private:
  std::size_t size_;
  std::unique_ptr<const FftImpl<T>> impl_;
  FftScratch<T> scratch_;
};

using Fft = BasicFft<float>;
using FftDouble = BasicFft<double>;

}  // namespace metalaudio::dsp
