#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace metalaudio::dsp {

enum class ConvolveMethod { automatic, direct, fft, partitioned };

/// Where `automatic` goes over from one method to the next, as in the original: direct below
/// fft_samples of response; fft where the response is at least fft_share of the signal as well;
/// else partitioned.
struct ConvolveOptions {
  ConvolveMethod method = ConvolveMethod::automatic;
  std::size_t fft_samples = 16384;
  double fft_share = 0.5;
};

/// The method that automatic stands for.
ConvolveMethod choose_convolve_method(std::size_t samples, std::size_t ir_samples,
                                      const ConvolveOptions& options = {});

/// The full linear convolution of a whole signal: samples + ir_samples - 1 samples.
/// Errors:   throws Error{invalid_argument} if either is empty or not finite, or they are too long.
/// Threads:  safe.
/// Realtime: no; see Convolution.
std::vector<float> convolve(std::span<const float> x, std::span<const float> ir,
                            const ConvolveOptions& options = {});

}  // namespace metalaudio::dsp
