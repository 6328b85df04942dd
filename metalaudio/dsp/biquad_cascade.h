#pragma once

#include <metalaudio/core/audio_view.h>
#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/core/realtime/status.h>
#include <metalaudio/dsp/biquad_coefficients.h>

#include <cstddef>
#include <memory>
#include <span>

namespace metalaudio::dsp {

struct BiquadOptions {
  std::size_t channels = 1;
  /// New coefficients are reached in steps of 4 samples over this many; 0: at once.
  std::size_t ramp_samples = 1024;
};

/// Biquad sections in series, the same on every channel. Blocks of any length give the same bits,
/// one sample at a time included. On any number of channels and any instruction set the output is
/// within 1e-7 of its peak, or of full scale where that is more, of exact arithmetic on the same
/// coefficients. Tested with every shape of design_biquad() at Q 1e-6 to 1e6, and with every other
/// design up to order 256, from 10 Hz to 0.49 of sample rates from 8 to 768 kHz. Sections of one's
/// own keep it where no frequency is lost on the way and raised again.
/// Shapes:   in[frames][channels] -> out[frames][channels], or planar; in and out may be the same.
/// Errors:   the constructor and request_coefficients() throw Error{invalid_argument} on sections
///           that are unstable or not finite or not as many as at construction, and on 0 channels.
/// Threads:  one thread processes; request_coefficients() on one other thread; status() and
///           take_status() on any.
/// Realtime: everything else, but the constructor.
class BiquadCascade {
 public:
  explicit BiquadCascade(std::span<const BiquadCoefficients> sections,
                         const BiquadOptions& options = {});
  ~BiquadCascade();
  BiquadCascade(BiquadCascade&&) noexcept;
  BiquadCascade& operator=(BiquadCascade&&) noexcept;

  std::size_t channels() const noexcept;
  std::size_t sections() const noexcept;
  /// None: what goes in comes out at once.
  std::size_t latency_samples() const noexcept { return 0; }

  /// Interleaved.
  METALAUDIO_REALTIME void process(std::span<const float> in, std::span<float> out) noexcept;
  /// Planar.
  METALAUDIO_REALTIME void process(ConstAudioView in, AudioView out) noexcept;
  /// One channel, one sample.
  METALAUDIO_REALTIME float process(float sample) noexcept;

  /// On the audio thread: glides to new coefficients, or refuses them, sets the status and returns
  /// false.
  METALAUDIO_REALTIME bool set_coefficients(std::span<const BiquadCoefficients> sections) noexcept;
  /// On another thread: as above from the next process() on; throws if they are refused.
  void request_coefficients(std::span<const BiquadCoefficients> sections);

  /// Silence behind, at the coefficients last set.
  METALAUDIO_REALTIME void reset() noexcept;

  /// The first trouble since take_status(): samples that were not finite or beyond ±1e9,
  /// coefficients that were unstable or too many, states that had overflowed.
  METALAUDIO_REALTIME Trouble status() const noexcept;
  METALAUDIO_REALTIME Trouble take_status() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace metalaudio::dsp
