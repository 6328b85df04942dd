#include <gtest/gtest.h>
#include <metalaudio/nn/cuda/kernels/conv_memory.h>

namespace metalaudio::nn::cuda {
namespace {

/// What blocks of Turing, Ampere, Ada and Hopper may ask for, less what kernels declare themselves.
constexpr DeviceLimits kDevices[] = {
    {75, 63 << 10}, {80, 162 << 10}, {89, 98 << 10}, {90, 226 << 10}};

TEST(ConvTiles, FitIntoTheSharedMemoryOfTheDevice) {
  for (const DeviceLimits& limits : kDevices) {
    for (const Product product : {Product::f32, Product::tf32, Product::f16, Product::bf16}) {
      const int widest = 16 / static_cast<int>(size_of(value_type_of(product)));
      for (int vector = 1; vector <= widest; vector *= 2) {
        for (const int columns : {1, 16, 17, 48, 64, 96, 100, 128, 192, 384, 3072}) {
          for (const int rows : {1, 1000, 1000000}) {
            ConvShape shape;
            shape.limits = limits;
            shape.vector = vector;
            shape.columns = columns;
            shape.x1 = rows;
            const int tile = conv_tile_columns(product, shape);
            EXPECT_LE(conv_shared_bytes(product, tile, kStages, limits), limits.shared_bytes)
                << limits.capability << " " << tile;
            EXPECT_EQ(tile % 16, 0);
          }
        }
      }
    }
  }
}

TEST(ConvTiles, AreWideWhereThereIsRoom) {
  ConvShape shape;
  shape.vector = 8;
  shape.columns = 384;
  shape.x1 = 1000000;
  shape.limits = {90, 226 << 10};
  EXPECT_EQ(conv_tile_columns(Product::f16, shape), 192);
  shape.limits = {75, 63 << 10};
  EXPECT_EQ(conv_tile_columns(Product::f16, shape), 64);
}

}  // namespace
}  // namespace metalaudio::nn::cuda
