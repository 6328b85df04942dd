#pragma once

#include <metalaudio/core/array.h>

#include <cstddef>
#include <cstdint>

namespace metalaudio::dsp {

struct ResamplerBankOptions {
  double passband = 0.0;      ///< the end of the band that stays, in parts of the input's Nyquist
  double stopband = 0.0;      ///< where nothing is left, in the same
  std::uint64_t phases = 1;   ///< positions between two input samples
  bool interpolated = false;  ///< positions between the phases are asked for as well
};

/// The low-pass of a resampler as rows of taps, one for each position between two input samples:
/// row[k] belongs to the k-th oldest sample. An interpolated bank has a row before position 0 and
/// three after the last.
/// Errors:   the constructor throws Error{out_of_memory}.
class ResamplerBank {
 public:
  explicit ResamplerBank(const ResamplerBankOptions& options);

  /// A multiple of 16; the oldest may be padding.
  std::size_t taps() const noexcept { return taps_; }
  /// From the newest sample back to where an output at position 0 stands, in input samples.
  std::size_t delay_samples() const noexcept { return delay_; }
  const float* data() const noexcept { return table_.data(); }

  /// The taps without padding that such a filter needs.
  static std::size_t filter_taps(double passband, double stopband);

 private:
  std::size_t delay_;
  std::size_t taps_;
  Array<float> table_;
};

}  // namespace metalaudio::dsp
