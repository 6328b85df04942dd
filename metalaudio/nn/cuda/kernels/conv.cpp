#include <metalaudio/nn/cuda/kernels/conv.h>

namespace metalaudio::nn::cuda {

template <Product P>
void launch_product(const ConvShape& shape, const ConvPointers& at, cudaStream_t stream);
extern template void launch_product<Product::f32>(const ConvShape& shape, const ConvPointers& at,
                                                  cudaStream_t stream);
extern template void launch_product<Product::tf32>(const ConvShape& shape, const ConvPointers& at,
                                                   cudaStream_t stream);
extern template void launch_product<Product::f16>(const ConvShape& shape, const ConvPointers& at,
                                                  cudaStream_t stream);
extern template void launch_product<Product::bf16>(const ConvShape& shape, const ConvPointers& at,
                                                   cudaStream_t stream);

int conv_tile_columns(Product product, const ConvShape& shape) {
  const int bytes = shape.vector * static_cast<int>(size_of(value_type_of(product)));
  if (bytes < 16) return shape.columns <= 16 ? 16 : 64;
  // The widest of those that waste least.
  int best = 16;
  int least = 1 << 30;
  for (const int columns : {16, 32, 48, 64, 96, 128, 192}) {
    const int tiles = (shape.columns + columns - 1) / columns;
    // A narrow tile reads the input once more than a wide one.
    const int cost = tiles * (columns + 24);
    if (cost <= least) {
      least = cost;
      best = columns;
    }
  }
  return best;
}

void launch_conv(Product product, const ConvShape& shape, const ConvPointers& at,
                 cudaStream_t stream) {
  switch (product) {
    case Product::f32:
      return launch_product<Product::f32>(shape, at, stream);
    case Product::tf32:
      return launch_product<Product::tf32>(shape, at, stream);
    case Product::f16:
      return launch_product<Product::f16>(shape, at, stream);
    case Product::bf16:
      return launch_product<Product::bf16>(shape, at, stream);
  }
}

}  // namespace metalaudio::nn::cuda
