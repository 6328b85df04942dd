#pragma once

#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/core/realtime/status.h>

#include <cstddef>
#include <span>

namespace metalaudio::dsp {

enum class StateVariableShape {
  low_pass,
  band_pass,  ///< 0 dB at the peak
  high_pass,
  notch,
  peak,  ///< low-pass minus high-pass: a resonant hump on a flat response
  all_pass,
  bell,
  low_shelf,
  high_shelf,
};

struct StateVariableParameters {
  StateVariableShape shape = StateVariableShape::low_pass;
  double frequency_hz = 1000.0;
  double q = 0.70710678118654752;
  double gain_db = 0.0;  ///< bell and shelves
};

/// A second-order filter whose parameters may move with every sample: its states are those of the
/// analogue circuit, so that they stay right whatever the parameters do. One channel, in double.
/// Errors:   the constructor throws Error{invalid_argument} on a sample rate or parameters that are
///           not finite or out of range: 0 < frequency < sample rate / 2, 1e-6 <= q <= 1e6, gain
///           within ±120 dB.
/// Threads:  one instance per thread and channel; status() and take_status() from any.
/// Realtime: everything but the constructor.
/// Source:   A. Simper, "Solving the continuous SVF equations using trapezoidal integration and
///           equivalent currents" (2013); V. Zavalishin, "The Art of VA Filter Design", ch. 4.
class StateVariableFilter {
 public:
  explicit StateVariableFilter(double sample_rate_hz,
                               const StateVariableParameters& parameters = {});

  /// None: what goes in comes out at once.
  std::size_t latency_samples() const noexcept { return 0; }

  METALAUDIO_REALTIME float process(float sample) noexcept;
  METALAUDIO_REALTIME void process(std::span<const float> in, std::span<float> out) noexcept;
  /// With a frequency for every sample; those out of range are taken for the nearest in it.
  METALAUDIO_REALTIME void process(std::span<const float> in, std::span<const float> frequencies_hz,
                                   std::span<float> out) noexcept;

  /// At once, without a click; refuses what the constructor would, and returns false.
  METALAUDIO_REALTIME bool set(const StateVariableParameters& parameters) noexcept;
  const StateVariableParameters& parameters() const noexcept { return parameters_; }

  METALAUDIO_REALTIME void reset() noexcept;
  /// The first trouble since take_status(): samples that were not finite or beyond ±1e9, a
  /// frequency or parameters that were not usable.
  METALAUDIO_REALTIME Trouble status() const noexcept { return status_.peek(); }
  METALAUDIO_REALTIME Trouble take_status() noexcept { return status_.take(); }

 private:
  void tune() noexcept;
  void mix() noexcept;

  double sample_rate_hz_;
  StateVariableParameters parameters_;
  double warp_ = 1.0;     // of the frequency, by the shelves' gain
  double damping_ = 1.0;  // 1 / Q
  double a1_ = 0.0, a2_ = 0.0, a3_ = 0.0;
  double m0_ = 0.0, m1_ = 0.0, m2_ = 0.0;  // of input, band and low outputs
  double state1_ = 0.0, state2_ = 0.0;
  RealtimeStatus status_;
};

}  // namespace metalaudio::dsp
