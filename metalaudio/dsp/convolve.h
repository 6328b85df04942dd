#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace metalaudio::dsp {

enum class ConvolveMethod { automatic, direct, fft, partitioned };

/// Where `automatic` goes over from one method to the next: direct below fft_samples of the
/// shorter one; fft where that is at least fft_share of the other as well; else partitioned.
/// Measured (docs/benchmarks/dsp.md); beyond, the direct form is also the less exact one.
struct ConvolveOptions {
  ConvolveMethod method = ConvolveMethod::automatic;
  std::size_t fft_samples = 256;
  double fft_share = 0.25;
};

/// The method that automatic stands for.
ConvolveMethod choose_convolve_method(std::size_t samples, std::size_t ir_samples,
                                      const ConvolveOptions& options = {});

/// The full linear convolution of a whole signal: samples + ir_samples - 1 samples.
/// Errors:   throws Error{invalid_argument} if either is empty, not finite or beyond ±1e30, or too
///           long.
/// Threads:  safe.
/// Realtime: no; see Convolution.
std::vector<float> convolve(std::span<const float> x, std::span<const float> ir,
                            const ConvolveOptions& options = {});

}  // namespace metalaudio::dsp
