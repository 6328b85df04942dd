#include <metalaudio/nn/cuda/kernels/attention_tensor.cuh>

namespace metalaudio::nn::cuda {

template bool launch_attention_tensor<Product::f16>(const Half* q, const Half* k, const Half* v,
                                                    Half* y, const AttentionShape& shape,
                                                    cudaStream_t stream);

}  // namespace metalaudio::nn::cuda
