#pragma once

#include <metalaudio/core/audio_view.h>
#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/core/realtime/status.h>
#include <metalaudio/dsp/filter_bands.h>

#include <complex>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace metalaudio::dsp {

/// One signal through many filters at once, a band to a SIMD lane, in double: octave and
/// third-octave banks, crossovers, or any sections. Blocks of any length give the same bits.
///
///     FilterBank bank(design_crossover(splits_hz, 4, 48000.0));
///
/// Shapes:   in[frames] -> out[bands][frames], planar; `in` may be one of the outputs.
/// Errors:   the constructor throws Error{invalid_argument} on no bands and on sections that are
///           not finite or not stable.
/// Threads:  one thread processes; status() and take_status() may be called from any.
/// Realtime: process, reset, status, take_status.
class FilterBank {
 public:
  explicit FilterBank(std::span<const FilterSections> bands);
  ~FilterBank();
  FilterBank(FilterBank&&) noexcept;
  FilterBank& operator=(FilterBank&&) noexcept;

  std::size_t bands() const noexcept;
  /// None: what goes in comes out at once.
  std::size_t latency_samples() const noexcept { return 0; }
  METALAUDIO_REALTIME void process(std::span<const float> in, AudioView out) noexcept;
  METALAUDIO_REALTIME void reset() noexcept;

  std::complex<double> band_response(std::size_t band, double frequency_hz,
                                     double sample_rate_hz) const;
  /// Of the bands' sum: how well adding them up gives the input back.
  std::complex<double> sum_response(double frequency_hz, double sample_rate_hz) const;

  /// The first trouble since take_status(): a sample that was not finite, or beyond ±1e30, and was
  /// taken for 0; or states that had overflowed, and were cleared.
  METALAUDIO_REALTIME Trouble status() const noexcept;
  METALAUDIO_REALTIME Trouble take_status() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace metalaudio::dsp
