#pragma once

#include <metalaudio/nn/cuda/kernels/conv.h>

#include <algorithm>

namespace metalaudio::nn::cuda {

/// Where a row of the product goes.
struct RowPlace {
  std::int64_t batch;
  int at0;
  int at1;
};

// The shared memory of a block: places of the rows; where float32 is split, the lower numbers of two
// stages of columns; and the loaded stages, which the tile of sums replaces.

constexpr int kStages = 5;
/// The exchange of chunks follows the address.
constexpr unsigned kTileAlignment = 512;

constexpr int sum_pitch(int columns) { return columns + 8; }
constexpr int low_bytes(Product product, int columns) {
  return product == Product::f32 ? 2 * columns * kStageBytes : 0;
}

/// A short reduction takes fewer buffers, which leaves room for more blocks.
constexpr int conv_shared_bytes(Product product, int columns, int stages,
                                const DeviceLimits& limits) {
  const int loads = std::min(stages, kStages) * (kTileRows + columns) * kStageBytes;
  const int sums = kTileRows * sum_pitch(columns) * 4;
  const bool split = limits.capability == 90;  // others multiply float32 as it is
  return std::max(loads, sums) + (split ? low_bytes(product, columns) : 0) +
         kTileRows * static_cast<int>(sizeof(RowPlace)) + static_cast<int>(kTileAlignment);
}

}  // namespace metalaudio::nn::cuda
