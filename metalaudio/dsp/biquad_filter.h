#pragma once

#include <metalaudio/dsp/biquad_cascade.h>
#include <metalaudio/dsp/biquad_design.h>

#include <cstddef>
#include <span>

namespace metalaudio::dsp {

/// One biquad section on one channel or many: a BiquadCascade of one.
/// Shapes:   as BiquadCascade.
/// Errors:   as BiquadCascade.
/// Threads:  as BiquadCascade.
/// Realtime: as BiquadCascade.
class BiquadFilter {
 public:
  explicit BiquadFilter(const BiquadCoefficients& section, const BiquadOptions& options = {})
      : cascade_({&section, 1}, options) {}
  explicit BiquadFilter(const BiquadDesign& design, const BiquadOptions& options = {})
      : BiquadFilter(design_biquad(design), options) {}

  std::size_t channels() const noexcept { return cascade_.channels(); }
  /// None: what goes in comes out at once.
  std::size_t latency_samples() const noexcept { return 0; }

  /// Interleaved.
  METALAUDIO_REALTIME void process(std::span<const float> in, std::span<float> out) noexcept {
    cascade_.process(in, out);
  }
  /// Planar.
  METALAUDIO_REALTIME void process(ConstAudioView in, AudioView out) noexcept {
    cascade_.process(in, out);
  }
  /// One channel, one sample.
  METALAUDIO_REALTIME float process(float sample) noexcept { return cascade_.process(sample); }

  /// On the audio thread: glides there, or refuses, sets the status and returns false.
  METALAUDIO_REALTIME bool set_coefficients(const BiquadCoefficients& section) noexcept {
    return cascade_.set_coefficients({&section, 1});
  }
  /// On another thread: as above from the next process() on; throws if they are refused.
  void request_coefficients(const BiquadCoefficients& section) {
    cascade_.request_coefficients({&section, 1});
  }

  METALAUDIO_REALTIME void reset() noexcept { cascade_.reset(); }
  METALAUDIO_REALTIME Trouble status() const noexcept { return cascade_.status(); }
  METALAUDIO_REALTIME Trouble take_status() noexcept { return cascade_.take_status(); }

 private:
  BiquadCascade cascade_;
};

}  // namespace metalaudio::dsp
