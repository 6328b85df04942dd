#pragma once

#include <metalaudio/core/data_type.h>
#include <metalaudio/nn/cuda/kernels/walk.h>

#include <cuda_runtime_api.h>

#include <cstdint>

namespace metalaudio::nn::cuda {

/// As nn::ReduceFunction, whose header kernels cannot read.
enum class Reduction {
  sum,
  mean,
  maximum,
  minimum,
  product,
  l1,
  l2,
  log_sum,
  log_sum_exp,
  sum_square,
};

/// One dense result for each element of `kept`, of the elements of `reduced` from there on. Floating
/// values are gathered in float64, integers in 64 bits.
void launch_reduce(Reduction function, DataType type, const void* x, void* y, const Walk<1>& kept,
                   const Walk<1>& reduced, cudaStream_t stream);

/// A dense array around one of its axes: [outer][extent][inner].
struct Around {
  std::int64_t outer = 1;
  std::int64_t extent = 1;
  std::int64_t inner = 1;

  constexpr std::int64_t lines() const noexcept { return outer * inner; }
};

void launch_arg_reduce(DataType type, const void* x, std::int64_t* y, const Around& around,
                       bool maximum, bool last, cudaStream_t stream);
void launch_cum_sum(DataType type, const void* x, void* y, const Around& around, bool exclusive,
                    bool reverse, cudaStream_t stream);
/// Of f32, f16 or bf16; log: the logarithm of it.
void launch_softmax(DataType type, const void* x, void* y, const Around& around, bool log,
                    cudaStream_t stream);
/// The k greatest or least of each line in order, of equal ones the first; k · extent is bounded by
/// what a plain search may cost.
void launch_top_k(DataType type, const void* x, void* values, std::int64_t* indices,
                  const Around& around, std::int64_t k, bool largest, cudaStream_t stream);

}  // namespace metalaudio::nn::cuda
