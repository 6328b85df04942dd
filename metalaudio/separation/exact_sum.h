#pragma once

#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/audio_view.h>
#include <metalaudio/dsp/stft_analyzer.h>
#include <metalaudio/dsp/stft_synthesizer.h>

#include <complex>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace metalaudio::separation {

/// Makes sources add up to their mix: what they miss it by is spread over them in proportion to
/// their power in each bin of a short-time spectrum, so that a source which is silent there stays
/// silent. Blocks come out later than they go in, and as many frames in all.
/// Shapes:   mix[channels][frames] and one such block for each source, equally long.
/// Threads:  one instance per thread.
class ExactSum {
 public:
  using Sink = std::function<void(ConstAudioView mix, std::span<const ConstAudioView> sources)>;

  ExactSum(std::size_t sources, std::size_t channels, Sink sink);

  void push(ConstAudioView mix, std::span<const ConstAudioView> sources);
  /// Gives out what is held back.
  void finish();

 private:
  using Spectrum = std::vector<std::complex<float>>;

  void append(ConstAudioView mix, std::span<const ConstAudioView> sources, std::size_t first,
              std::size_t frames);
  void end_hop();
  void correct(std::size_t channel);

  Sink sink_;
  std::size_t channels_;
  // The mix first, then the sources: one frame of each, whose last hop is filled as samples come.
  std::vector<AudioBuffer> frames_;
  std::vector<AudioBuffer> ready_;                  // a hop of each, on its way out
  std::vector<dsp::StftAnalyzer> analyzers_;        // of each channel the difference, the sources
  std::vector<dsp::StftSynthesizer> synthesizers_;  // of each channel the sources
  std::vector<Spectrum> spectra_;                   // of one channel
  std::vector<float> hop_;
  std::size_t filled_ = 0;
  std::int64_t taken_ = 0;
  std::int64_t given_ = 0;
  std::int64_t ended_ = 0;  // hops
};

}  // namespace metalaudio::separation
