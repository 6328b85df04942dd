#pragma once

#include <metalaudio/core/realtime/status.h>
#include <metalaudio/dsp/stft.h>

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

namespace metalaudio::dsp {

/// A running signal from spectra: weighted overlap-add, normalised so that StftAnalyzer's frames
/// give its input back. The hop that frame f completes is the first one of the frame, so the signal
/// is fft_size - hop samples older than the frame's end. Frames that are not finite, or beyond ±1e30,
/// become silence and are noted in status().
/// Errors:   the constructor throws as StftAnalyzer's, and Error{invalid_argument} for a window and
///           a hop between whose frames samples are lost.
/// Threads:  one instance per thread; status() and take_status() from any.
/// Realtime: everything but the constructor.
class StftSynthesizer {
 public:
  using Complex = std::complex<float>;

  explicit StftSynthesizer(const StftOptions& options);

  const Stft& stft() const noexcept { return stft_; }
  /// How much older add()'s result is than the end of its frame.
  std::size_t latency_samples() const noexcept { return stft_.fft_size() - stft_.hop_samples(); }

  /// Adds a frame; the result, hop_samples() long, stays until the next call.
  METALAUDIO_REALTIME std::span<const float> add(std::span<const Complex> spectrum) noexcept;
  METALAUDIO_REALTIME void reset() noexcept;

  /// output_silenced, where that came since take_status().
  METALAUDIO_REALTIME Trouble status() const noexcept { return status_.peek(); }
  METALAUDIO_REALTIME Trouble take_status() noexcept { return status_.take(); }

 private:
  Stft stft_;
  Stft::Scratch scratch_;
  std::vector<float> frame_;
  std::vector<float> sum_;
  std::vector<float> gain_;  ///< one over the overlapped squares of the window
  std::vector<float> out_;
  RealtimeStatus status_;
};

}  // namespace metalaudio::dsp
