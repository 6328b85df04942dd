#pragma once

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

namespace metalaudio::dsp {

/// The scalar reference of every FFT kernel: mixed radix by the definition, in double, of any size.
/// Its cost is size · (the sum of size's prime factors).
/// Errors:   none.
std::vector<std::complex<double>> reference_fft(std::span<const std::complex<double>> x);

}  // namespace metalaudio::dsp
