#pragma once

#include <metalaudio/dsp/stft_analyzer.h>
#include <metalaudio/dsp/stft_synthesizer.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace metalaudio::dsp {

/// An effect on spectra: analysis, a function of yours, synthesis, in blocks of any length.
/// Shapes:   x[frames] -> y[frames], latency_samples() later; x and y may be one array.
/// Errors:   the constructor throws as StftSynthesizer's.
/// Threads:  one instance per thread; status() and take_status() from any.
/// Realtime: everything but the constructor.
class StftStream {
 public:
  using Complex = std::complex<float>;

  explicit StftStream(const StftOptions& options)
      : analyzer_(options), synthesizer_(options), ready_(analyzer_.stft().hop_samples(), 0.0F) {}

  std::size_t latency_samples() const noexcept { return analyzer_.stft().fft_size(); }
  std::size_t bins() const noexcept { return analyzer_.stft().bins(); }

  /// modify(std::span<Complex> spectrum) changes each frame in place; it must be real-time itself.
  template <typename Modify>
  METALAUDIO_REALTIME void process(std::span<const float> x, std::span<float> y,
                                   Modify&& modify) noexcept {
    for (std::size_t at = 0; at < x.size();) {
      const std::size_t count = std::min(x.size() - at, ready_.size() - played_);
      bool ended = false;
      const auto on_frame = [&](std::span<Complex> spectrum) {
        modify(spectrum);
        next_ = synthesizer_.add(spectrum);
        ended = true;
      };
      analyzer_.process(x.subspan(at, count), on_frame);
      std::copy_n(ready_.data() + played_, count, y.data() + at);
      played_ += count;
      at += count;
      if (!ended) continue;
      std::copy(next_.begin(), next_.end(), ready_.begin());
      played_ = 0;
    }
  }

  METALAUDIO_REALTIME void reset() noexcept {
    analyzer_.reset();
    synthesizer_.reset();
    std::fill(ready_.begin(), ready_.end(), 0.0F);
    played_ = 0;
  }

  /// Trouble since take_status(): samples that were not finite or beyond ±1e30, of the input or of
  /// what modify() left, and silence in their place.
  METALAUDIO_REALTIME Trouble status() const noexcept {
    const Trouble in = analyzer_.status();
    return in != Trouble::none ? in : synthesizer_.status();
  }
  METALAUDIO_REALTIME Trouble take_status() noexcept {
    const Trouble in = analyzer_.take_status(), out = synthesizer_.take_status();
    return in != Trouble::none ? in : out;
  }

 private:
  StftAnalyzer analyzer_;
  StftSynthesizer synthesizer_;
  std::vector<float> ready_;     ///< the hop that is being played
  std::span<const float> next_;  ///< the one after it
  std::size_t played_ = 0;
};

}  // namespace metalaudio::dsp
