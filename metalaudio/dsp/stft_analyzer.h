#pragma once

#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/core/realtime/status.h>
#include <metalaudio/dsp/stft.h>

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

namespace metalaudio::dsp {

/// Spectra of a running signal: after every hop, the frame that ends there, silence before the
/// first sample. Samples that are not finite, or beyond ±1e30, count as silence and are noted in
/// status().
/// Errors:   the constructor throws as Stft's; options.center and padding belong to whole signals
///           and must be false and at its default; the hop is at most fft_size.
/// Threads:  one instance per thread; status() and take_status() from any.
/// Realtime: everything but the constructor.
class StftAnalyzer {
 public:
  using Complex = std::complex<float>;

  explicit StftAnalyzer(const StftOptions& options);

  const Stft& stft() const noexcept { return stft_; }
  /// None: a frame is there with its last sample.
  std::size_t latency_samples() const noexcept { return 0; }

  /// Calls on_frame(std::span<Complex> spectrum), which must be real-time itself, for every frame
  /// that ends within x.
  template <typename OnFrame>
  METALAUDIO_REALTIME void process(std::span<const float> x, OnFrame&& on_frame) noexcept {
    while (!x.empty()) {
      const std::size_t count = take(x);
      x = x.subspan(count);
      if (filled_ == stft_.hop_samples()) on_frame(transform());
    }
  }
  METALAUDIO_REALTIME void reset() noexcept;

  /// The first trouble since take_status().
  METALAUDIO_REALTIME Trouble status() const noexcept { return status_.peek(); }
  METALAUDIO_REALTIME Trouble take_status() noexcept { return status_.take(); }

 private:
  std::size_t take(std::span<const float> x) noexcept;
  std::span<Complex> transform() noexcept;

  Stft stft_;
  Stft::Scratch scratch_;
  std::vector<float> frame_;  ///< its last hop is filled as samples come
  std::vector<Complex> spectrum_;
  std::size_t filled_ = 0;
  RealtimeStatus status_;
};

}  // namespace metalaudio::dsp
