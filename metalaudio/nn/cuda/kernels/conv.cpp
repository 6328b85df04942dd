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
