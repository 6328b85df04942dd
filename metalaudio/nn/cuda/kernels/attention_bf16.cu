#include <metalaudio/nn/cuda/kernels/attention_tensor.cuh>

namespace metalaudio::nn::cuda {

template bool launch_attention_tensor<Product::bf16>(const Bfloat* q, const Bfloat* k,
                                                     const Bfloat* v, Bfloat* y,
                                                     const AttentionShape& shape,
                                                     cudaStream_t stream);

}  // namespace metalaudio::nn::cuda
