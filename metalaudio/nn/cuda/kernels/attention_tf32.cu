#include <metalaudio/nn/cuda/kernels/attention_tensor.cuh>

namespace metalaudio::nn::cuda {

template bool launch_attention_tensor<Product::tf32>(const float* q, const float* k, const float* v,
                                                     float* y, const AttentionShape& shape,
                                                     cudaStream_t stream);

}  // namespace metalaudio::nn::cuda
