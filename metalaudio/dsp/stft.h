#pragma once

#include <metalaudio/core/thread_pool.h>
#include <metalaudio/dsp/fft.h>
#include <metalaudio/dsp/window.h>

#include <complex>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace metalaudio::dsp {

/// How center fills the half frame before the first and after the last sample.
enum class StftPadding { reflect, constant, replicate };

/// The arguments of torch.stft, with its defaults except for the window, which is Hann.
struct StftOptions {
  std::size_t fft_size = 2048;
  std::size_t hop_samples = 0;     ///< 0: fft_size / 4
  std::size_t window_samples = 0;  ///< 0: fft_size; shorter windows are centred in the frame
  WindowOptions window = {};
  std::vector<float> own_window = {};  ///< instead of `window`, where there is one
  bool center = true;
  StftPadding padding = StftPadding::reflect;
  bool normalized = false;  ///< divides the spectrum by sqrt(fft_size)
};

/// Whether a window and a hop give a signal back by weighted overlap-add.
struct ColaResult {
  bool ok = false;               ///< the deviation is at most 1e-3
  double worst_deviation = 0.0;  ///< of the overlapped windows' sum from its mean, relative
  std::string message;
};

/// Whether the windows alone overlap to a constant: sum over frames of w[n - frame·hop].
/// Errors:   none; a hop of 0 or past the window is a result that is not ok.
ColaResult validate_cola(std::span<const float> window, std::size_t hop_samples);

/// Short-time Fourier transform of whole signals, and back. Equals torch.stft and torch.istft with
/// onesided=True and return_complex=True, frame-major.
/// Shapes:   x[samples] <-> spectra[frames(samples)][bins].
/// Errors:   the constructor throws Error{invalid_argument} on a size of 0, a hop past
///           2^30, a window past fft_size, a window of one's own that is not finite or not
///           window_samples long. forward() throws it where frames() is 0; inverse() where a sample
///           is covered by no window, as some are when the hop is past the window.
/// Threads:  all const members may be called from several threads.
/// Realtime: analyze_frame, synthesize_frame.
class Stft {
 public:
  using Complex = std::complex<float>;
  using Scratch = FftScratch<float>;

  explicit Stft(const StftOptions& options);

  std::size_t fft_size() const noexcept { return fft_.size(); }
  std::size_t bins() const noexcept { return fft_.bins(); }
  std::size_t hop_samples() const noexcept { return options_.hop_samples; }
  /// fft_size() long: the window with zeros on both sides.
  std::span<const float> window() const noexcept { return window_; }
  /// The number of frames that forward() makes of a signal; 0 if it is too short for one, or to be
  /// reflected.
  std::size_t frames(std::size_t samples) const noexcept;
  ColaResult validate_cola() const;

  /// The frames are shared among the pool's threads, if there is a pool.
  void forward(std::span<const float> x, std::span<Complex> spectra,
               ThreadPool* pool = nullptr) const;
  /// x.size() is torch.istft's length: what lies past the last frame is zero.
  void inverse(std::span<const Complex> spectra, std::span<float> x,
               ThreadPool* pool = nullptr) const;

  Scratch make_scratch() const;
  /// One frame: frame[fft_size] -> spectrum[bins], windowed and normalised.
  METALAUDIO_REALTIME void analyze_frame(std::span<const float> frame, std::span<Complex> spectrum,
                                         Scratch& scratch) const noexcept;
  /// And back: spectrum[bins] -> frame[fft_size], windowed again, for overlap-add.
  METALAUDIO_REALTIME void synthesize_frame(std::span<const Complex> spectrum,
                                            std::span<float> frame,
                                            Scratch& scratch) const noexcept;

 private:
  void gather_frame(std::span<const float> x, std::size_t frame, std::span<float> out) const;
  /// The sum of squared windows under each sample of the overlap-add of count frames.
  std::vector<float> envelope(std::size_t count) const;

  StftOptions options_;
  Fft fft_;
  std::vector<float> window_;
  std::vector<float> synthesis_window_;  ///< undoes what `normalized` does
  float scale_ = 1.0F;
};

}  // namespace metalaudio::dsp
