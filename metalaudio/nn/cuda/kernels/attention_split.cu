#include <metalaudio/nn/cuda/kernels/attention_tensor.cuh>

namespace metalaudio::nn::cuda {

// float32 on the tensor cores.
template bool launch_attention_tensor<Product::f32>(const float* q, const float* k, const float* v,
                                                    float* y, const AttentionShape& shape,
                                                    cudaStream_t stream);

}  // namespace metalaudio::nn::cuda
