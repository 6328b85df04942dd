#pragma once

#include <metalaudio/dsp/convolution_options.h>

#include <cstddef>
#include <vector>

namespace metalaudio::dsp {

/// Which taps of an impulse response are convolved how: [0, head_taps) directly, then levels of
/// growing partitions, each transformed with a block of the same length before it.
struct ConvolutionLayout {
  struct Level {
    std::size_t partition;  ///< samples
    std::size_t first_tap;
    std::size_t partitions;
    /// Ready at once, in the call that ends a block; the others have one partition's time.
    bool immediate;
  };
  std::size_t head_taps = 0;
  std::size_t block = 0;  ///< work is done each time so many samples have arrived
  std::vector<Level> levels;
};

/// The layout that costs least on average, by counting operations. block is a power of two.
/// Errors:   none.
ConvolutionLayout make_convolution_layout(std::size_t ir_samples, std::size_t block,
                                          PartitionScheme scheme);

}  // namespace metalaudio::dsp
