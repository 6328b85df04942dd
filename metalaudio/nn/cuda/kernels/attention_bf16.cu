#include <metalaudio/nn/cuda/kernels/attention_half.cuh>

namespace metalaudio::nn::cuda {

template bool launch_attention_half(Bfloat const* q, Bfloat const* k, Bfloat const* v, Bfloat* y,
                                    const AttentionShape& shape, cudaStream_t stream);

}  // namespace metalaudio::nn::cuda
