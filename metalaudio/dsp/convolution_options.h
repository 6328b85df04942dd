#pragma once

#include <cstddef>
#include <span>

namespace metalaudio::dsp {

/// One impulse response on its way from an input to an output.
struct ConvolutionRoute {
  std::size_t input = 0;
  std::size_t output = 0;
  std::span<const float> ir;
};

enum class ConvolutionMethod { automatic, direct, partitioned };

/// Partitions of one length, or of growing ones, which cost less.
enum class PartitionScheme { uniform, non_uniform };

struct ConvolutionOptions {
  std::size_t inputs = 1;
  std::size_t outputs = 1;
  /// automatic: direct for responses of up to 128 samples.
  ConvolutionMethod method = ConvolutionMethod::automatic;
  PartitionScheme scheme = PartitionScheme::non_uniform;
  /// What a callback usually brings. Others work as well; the work is most even with this one.
  std::size_t block_samples = 64;
  std::size_t crossfade_samples = 1024;  ///< of a change of responses
};

}  // namespace metalaudio::dsp
