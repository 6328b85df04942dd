#include <metalaudio/nn/cuda/kernels/attention_half.cuh>

namespace metalaudio::nn::cuda {

template bool launch_attention_half(Half const* q, Half const* k, Half const* v, Half* y,
                                    const AttentionShape& shape, cudaStream_t stream);

}  // namespace metalaudio::nn::cuda
