#include <metalaudio/nn/cuda/kernels/dconv.cuh>

namespace metalaudio::nn::cuda {

// One file for each kind of product, so that they compile side by side.
template void launch_dconv_product<Product::tf32>(const DConvShape& shape, const DConvPointers& at,
                                                  cudaStream_t stream);

}  // namespace metalaudio::nn::cuda
