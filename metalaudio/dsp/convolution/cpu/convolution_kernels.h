#pragma once

#include <cstddef>

namespace metalaudio::dsp {

/// The kernels of convolution for one instruction set.
struct ConvolutionKernels {
  /// y[i] += sum over t of taps[t] · x[i - t], i < n. Every sample is summed in the same order,
  /// whatever n is. Reads up to one vector past x[n - 1].
  void (*direct)(const float* x, const float* taps, std::size_t count, std::size_t n, float* y);

  /// sum = the sum over j of a[j] · b[j], bins [begin, end) of split spectra whose imaginary parts
  /// start at `half`; begin and end are multiples of 16.
  void (*multiply_sum)(const float* const* a, const float* const* b, std::size_t count,
                       std::size_t half, std::size_t begin, std::size_t end, float* sum);
};

/// The table for the best instruction set of this machine.
const ConvolutionKernels& convolution_kernels();

/// The scalar references of the same.
extern const ConvolutionKernels kConvolutionReference;

}  // namespace metalaudio::dsp
