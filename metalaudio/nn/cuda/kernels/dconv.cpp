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

DConvShape share_rows(Product product, DConvShape shape, std::int64_t rows_of_item) {
  constexpr std::int64_t kProcessors = 132;
  const std::int64_t groups = (shape.positions + 15) / 16;
  const auto share = [&](int each, std::int64_t warps) {
    shape.groups = each;
    shape.warps = static_cast<int>(warps);
    shape.tiles = static_cast<int>((groups + each * warps - 1) / (each * warps));
    return shape;
  };
  const bool short_rows = groups <= 3 * 8;
  if (value_type_of(product) == DataType::f32) {
    const std::int64_t all = rows_of_item * groups;
    if (short_rows && rows_of_item >= kProcessors / 5) return share(3, (groups + 2) / 3);
    if (all >= 8 * kProcessors) return share(3, 4);
    return share(1, all >= 2 * kProcessors ? 4 : 2);
  }
  // Weights are read once for three groups, if there are enough of them for all processors.
  const std::int64_t all = shape.rows * groups;
  if (short_rows && shape.rows >= kProcessors * 3 / 4) return share(3, (groups + 2) / 3);
  if (all >= 3 * 4 * kProcessors) return share(3, 4);
  return share(1, all >= 4 * kProcessors ? 4 : all >= 2 * kProcessors ? 2 : 1);
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
