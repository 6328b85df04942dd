#include <metalaudio/nn/cuda/kernels/conv.cuh>

namespace metalaudio::nn::cuda {

// One file for each kind of product, so that they compile side by side.
template void launch_product<Product::f32>(const ConvShape& shape, const ConvPointers& at,
                                          cudaStream_t stream);

}  // namespace metalaudio::nn::cuda
