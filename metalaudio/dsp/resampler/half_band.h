#pragma once

#include <metalaudio/core/array.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/realtime/marker.h>

#include <cstddef>

namespace metalaudio::dsp {

struct ConvolutionKernels;

/// A half-band low-pass by a Kaiser window: every other tap is zero but the middle one, so that one
/// phase is a plain delay. The taps are those of the other phase, and sum to 1.
struct HalfBandTaps {
  /// Flat up to `passband` parts of the higher rate, from 0.5 - passband on down to attenuation_db.
  HalfBandTaps(double passband, double attenuation_db, bool even_side);

  std::size_t side() const noexcept { return taps.size() / 2; }

  Array<float> taps;
};

/// Twice the rate. Delays by side() samples of the lower one.
/// Threads:  one.
/// Realtime: process, reset.
class HalfBandUp {
 public:
  HalfBandUp(const HalfBandTaps& taps, std::size_t channels, std::size_t most_frames);
  /// in[channels][frames] -> out[channels][2 · frames]; at most so many frames as it was made for.
  METALAUDIO_REALTIME void process(const ConstAudioView& in, const AudioView& out) noexcept;
  METALAUDIO_REALTIME void reset() noexcept;

 private:
  const ConvolutionKernels* kernels_;
  Array<float> taps_;
  AudioBuffer history_;
  Array<float> between_;
};

/// Half the rate. Delays by side() - 1 samples of the lower one, or by side() if `padded`.
/// Threads:  one.
/// Realtime: process, reset.
class HalfBandDown {
 public:
  HalfBandDown(const HalfBandTaps& taps, std::size_t channels, std::size_t most_frames,
               bool padded);
  /// in[channels][2 · frames] -> out[channels][frames].
  METALAUDIO_REALTIME void process(const ConstAudioView& in, const AudioView& out) noexcept;
  METALAUDIO_REALTIME void reset() noexcept;

 private:
  const ConvolutionKernels* kernels_;
  Array<float> taps_;
  std::size_t pad_;
  AudioBuffer even_;
  AudioBuffer odd_;
  Array<float> sum_;
};

}  // namespace metalaudio::dsp
