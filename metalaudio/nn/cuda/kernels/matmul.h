#pragma once

#include <metalaudio/core/data_type.h>
#include <metalaudio/nn/cuda/kernels/walk.h>

#include <cuda_runtime_api.h>

#include <cstdint>

namespace metalaudio::nn::cuda {

/// a[m][k] · b[k][n] -> y[m][n], dense, for every batch; the walk says where a batch's factors begin.
struct MatMulShape {
  std::int64_t m = 1;
  std::int64_t n = 1;
  std::int64_t k = 1;
  Walk<2> batches;
};

/// Sums of f32, f16 and bf16 are in float32; integers wrap.
void launch_matmul(DataType type, const void* a, const void* b, void* y, const MatMulShape& shape,
                   cudaStream_t stream);

}  // namespace metalaudio::nn::cuda
