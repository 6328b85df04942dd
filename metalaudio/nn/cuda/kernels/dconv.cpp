#include <metalaudio/nn/cuda/kernels/dconv.h>

namespace metalaudio::nn::cuda {

template <Product P>
void launch_dconv_product(const DConvShape& shape, const DConvPointers& at, cudaStream_t stream);
extern template void launch_dconv_product<Product::f32>(const DConvShape& shape,
                                                        const DConvPointers& at,
                                                        cudaStream_t stream);
extern template void launch_dconv_product<Product::tf32>(const DConvShape& shape,
                                                         const DConvPointers& at,
                                                         cudaStream_t stream);
extern template void launch_dconv_product<Product::f16>(const DConvShape& shape,
                                                        const DConvPointers& at,
                                                        cudaStream_t stream);
extern template void launch_dconv_product<Product::bf16>(const DConvShape& shape,
                                                         const DConvPointers& at,
                                                         cudaStream_t stream);

DConvShape share_rows(DConvShape shape) {
  constexpr std::int64_t kProcessors = 132;
  const std::int64_t groups = (shape.positions + 15) / 16;
  const auto share = [&](int each, std::int64_t warps) {
    shape.groups = each;
    shape.warps = static_cast<int>(warps);
    shape.tiles = static_cast<int>((groups + each * warps - 1) / (each * warps));
  };
  // Weights are read once for three groups, if there are enough of them for all processors.
  const bool many = shape.rows * groups >= 3 * 4 * kProcessors;
  if (groups <= 3 * 8 && shape.rows >= kProcessors * 3 / 4) {
    share(3, (groups + 2) / 3);
  } else if (many) {
    share(3, 4);
  } else {
    share(1, shape.rows * groups >= 4 * kProcessors   ? 4
             : shape.rows * groups >= 2 * kProcessors ? 2
                                                      : 1);
  }
  return shape;
}

std::size_t dconv_hidden_bytes(Product product, const DConvShape& shape) {
  if (shape.tiles == 1) return 0;
  return static_cast<std::size_t>(shape.rows) *
         static_cast<std::size_t>(shape.tiles * shape.warps) *
         static_cast<std::size_t>(shape.groups * 16 * hidden_tiles(shape.hidden) * 8) *
         size_of(value_type_of(product));
}

std::size_t dconv_moments_bytes(const DConvShape& shape) {
  if (shape.tiles == 1) return 0;
  return static_cast<std::size_t>(shape.rows) * static_cast<std::size_t>(shape.tiles) *
         sizeof(DConvMoments);
}

void launch_dconv(Product product, const DConvShape& shape, const DConvPointers& at,
                  cudaStream_t stream) {
  if (shape.rows == 0 || shape.positions == 0) return;
  switch (product) {
    case Product::f32:
      return launch_dconv_product<Product::f32>(shape, at, stream);
    case Product::tf32:
      return launch_dconv_product<Product::tf32>(shape, at, stream);
    case Product::f16:
      return launch_dconv_product<Product::f16>(shape, at, stream);
    case Product::bf16:
      return launch_dconv_product<Product::bf16>(shape, at, stream);
  }
}

}  // namespace metalaudio::nn::cuda
