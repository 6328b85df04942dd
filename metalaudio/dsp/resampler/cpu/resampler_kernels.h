#pragma once

#include <cstddef>
#include <cstdint>

namespace metalaudio::dsp {

/// Where one output of a resampler takes its samples and its row of taps; where it lies between
/// rows, the weights of this row and the three that follow.
struct ResamplerPoint {
  std::uint32_t at = 0;
  std::uint32_t row = 0;
  float weights[4] = {};
};

/// The kernels of resampling for one instruction set. Rows have a multiple of 16 taps, on 64-byte
/// lines. Every output is summed in one order, whatever the count.
struct ResamplerKernels {
  /// y[i] = the sum over k of table[row][k] · x[at + k].
  void (*exact)(const ResamplerPoint* points, std::size_t count, const float* table,
                std::size_t taps, const float* x, float* y);

  /// The same for several channels, with taps weighted from four rows.
  void (*interpolated)(const ResamplerPoint* points, std::size_t count, const float* table,
                       std::size_t taps, const float* const* x, float* const* y,
                       std::size_t channels);
};

/// The table for the best instruction set of this machine.
const ResamplerKernels& resampler_kernels();

/// The scalar references of the same.
extern const ResamplerKernels kResamplerReference;

}  // namespace metalaudio::dsp
