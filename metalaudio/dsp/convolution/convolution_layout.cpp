#include <metalaudio/dsp/convolution/convolution_layout.h>

#include <cmath>
#include <limits>

namespace metalaudio::dsp {

namespace {

constexpr std::size_t kLargestPartition = 65536;

std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

/// Operations per sample.
double cost_of(const ConvolutionLayout::Level& level) {
  const auto size = 2.0 * static_cast<double>(level.partition);
  const double transforms =
      2.0 * 2.5 * size * std::log2(size) / static_cast<double>(level.partition);
  const double bins = static_cast<double>(level.partition) + 16.0;
  const double products =
      8.0 * static_cast<double>(level.partitions) * bins / static_cast<double>(level.partition);
  // Spectra that leave the second-level cache come at the speed of the third.
  const double bytes = 16.0 * bins * static_cast<double>(level.partitions);
  constexpr double kOverhead = 30.0;
  return transforms + products * (bytes > 256.0 * 1024.0 ? 2.5 : 1.0) + kOverhead;
}

/// Levels of the partitions whose bits are set in `chosen`: bit i stands for block · 2^(i + 1).
std::vector<ConvolutionLayout::Level> levels_of(std::size_t ir_samples, std::size_t block,
                                                unsigned chosen) {
  std::vector<std::size_t> partitions = {block};
  for (unsigned i = 0; chosen >> i != 0; ++i) {
    if ((chosen >> i & 1U) != 0) partitions.push_back(block << (i + 1));
  }
  std::vector<ConvolutionLayout::Level> levels;
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    const std::size_t first = i == 0 ? block : 2 * partitions[i];
    if (first >= ir_samples) break;
    std::size_t end = ir_samples;
    if (i + 1 < partitions.size()) end = std::min(end, 2 * partitions[i + 1]);
    levels.push_back({partitions[i], first, divide_up(end - first, partitions[i]), i == 0});
  }
  return levels;
}

}  // namespace

ConvolutionLayout make_convolution_layout(std::size_t ir_samples, std::size_t block,
                                          PartitionScheme scheme) {
  ConvolutionLayout best;
  best.head_taps = std::min(ir_samples, block);
  best.block = block;
  if (scheme == PartitionScheme::uniform) {
    best.levels = levels_of(ir_samples, block, 0);
    return best;
  }
  unsigned sizes = 0;
  while (block << (sizes + 1) <= kLargestPartition) ++sizes;
  double least = std::numeric_limits<double>::max();
  for (unsigned chosen = 0; chosen < 1U << sizes; ++chosen) {
    const auto levels = levels_of(ir_samples, block, chosen);
    double cost = 0.0;
    for (const auto& level : levels) cost += cost_of(level);
    if (cost < least) {
      least = cost;
      best.levels = levels;
    }
  }
  return best;
}

}  // namespace metalaudio::dsp
