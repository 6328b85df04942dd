#pragma once

#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/dsp/fft_types.h>

#include <complex>
#include <cstddef>
#include <memory>
#include <span>

namespace metalaudio::dsp {

template <typename T>
class ComplexFftImpl;

/// Complex FFT of one fixed size. forward() is unscaled; inverse() divides by size.
/// Shapes:   x[size] <-> X[size]; interleaved or split; in and out may be the same array.
/// Errors:   as BasicFft.
/// Threads:  one instance per thread; *_batch() may be called from several, each with its scratch.
/// Realtime: everything but the constructor and make_scratch().
/// Source:   as BasicFft.
template <typename T>
class BasicComplexFft {
 public:
  using Complex = std::complex<T>;

  explicit BasicComplexFft(std::size_t size);
  ~BasicComplexFft();
  BasicComplexFft(BasicComplexFft&&) noexcept;
  BasicComplexFft& operator=(BasicComplexFft&&) noexcept;

  std::size_t size() const noexcept { return size_; }

  METALAUDIO_REALTIME void forward(std::span<const Complex> x, std::span<Complex> out) noexcept;
  METALAUDIO_REALTIME void forward(SplitSpan<const T> x, SplitSpan<T> out) noexcept;
  METALAUDIO_REALTIME void inverse(std::span<const Complex> x, std::span<Complex> out) noexcept;
  METALAUDIO_REALTIME void inverse(SplitSpan<const T> x, SplitSpan<T> out) noexcept;

  /// Many transforms: x[count][size] -> out[count][size].
  METALAUDIO_REALTIME void forward_batch(std::span<const Complex> x, std::span<Complex> out,
                                         FftScratch<T>& scratch) const noexcept;
  METALAUDIO_REALTIME void inverse_batch(std::span<const Complex> x, std::span<Complex> out,
                                         FftScratch<T>& scratch) const noexcept;
  FftScratch<T> make_scratch() const;
  /// The elements of such a scratch, for a caller that wants more behind them.
  std::size_t scratch_size() const noexcept;

 private:
  std::size_t size_;
  std::unique_ptr<const ComplexFftImpl<T>> impl_;
  FftScratch<T> scratch_;
};

using ComplexFft = BasicComplexFft<float>;
using ComplexFftDouble = BasicComplexFft<double>;

}  // namespace metalaudio::dsp
