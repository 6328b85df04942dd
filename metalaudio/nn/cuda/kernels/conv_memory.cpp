#include <metalaudio/nn/cuda/kernels/conv_memory.h>

namespace metalaudio::nn::cuda {

int conv_tile_columns(Product product, const ConvShape& shape) {
  const int bytes = shape.vector * static_cast<int>(size_of(value_type_of(product)));
  const auto fits = [&](int columns) {
    return conv_shared_bytes(product, columns, kStages, shape.limits) <= shape.limits.shared_bytes;
  };
  if (bytes < 16) {
    return shape.columns <= 16 ? 16 : shape.columns <= 48 || !fits(64) ? 48 : 64;
  }
  // Blocks run in waves, as many at once as a large GPU has processors; a narrow tile takes less
  // time than a wide one, but more than its share, since it reads as many rows of the input.
  // Where moments are gathered tile by tile, the width may not depend on the size of the batch: a
  // segment would have other bits in another batch.
  constexpr std::int64_t kProcessors = 132;
  const std::int64_t down =
      shape.tiles_per_batch > 0 ? kProcessors : (shape.rows() + kTileRows - 1) / kTileRows;
  int best = 16;
  std::int64_t least = std::int64_t{1} << 60;
  // TF32 keeps rows in registers beside the sums: of the widest tile no two blocks fit, and two
  // narrower ones are faster than one. Float32, which splits its factors, has work enough in one.
  const int most = product == Product::tf32 ? 128 : 192;
  for (const int columns : {16, 32, 48, 64, 96, 128, 192}) {
    if (columns > most || !fits(columns)) break;
    const std::int64_t blocks = down * ((shape.columns + columns - 1) / columns);
    const std::int64_t waves = (blocks + kProcessors - 1) / kProcessors;
    const std::int64_t cost = waves * (columns + 32);
    if (cost <= least) {
      least = cost;
      best = columns;
    }
  }
  return best;
}

}  // namespace metalaudio::nn::cuda
