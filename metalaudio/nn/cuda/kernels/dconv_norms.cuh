#pragma once

#include <metalaudio/nn/cuda/kernels/dconv.h>
#include <metalaudio/nn/cuda/kernels/common.cuh>

namespace metalaudio::nn::cuda {

struct NormOf {
  float mean = 0;
  float deviation = 1;  ///< 1 / sqrt(variance + epsilon)
};

__device__ inline NormOf norm_of(double mean, double variance, float epsilon) {
  return {static_cast<float>(mean), static_cast<float>(1.0 / sqrt(fmax(variance, 0.0) + epsilon))};
}

/// Of a row, from what its tiles left.
__device__ inline NormOf hidden_norm(const DConvShape& shape, const DConvMoments* moments,
                                     double* shared) {
  const int of_tile = shape.warps * shape.groups * 16;
  const auto count = [&](int tile) {
    return static_cast<double>(min(of_tile, shape.positions - tile * of_tile)) * shape.hidden;
  };
  const double all = static_cast<double>(shape.positions) * shape.hidden;
  double sum = 0;
  const int step = static_cast<int>(blockDim.x);
  for (int i = static_cast<int>(threadIdx.x); i < shape.tiles; i += step) {
    sum += count(i) * moments[i].first;
  }
  const double mean = block_sum(sum, shared) / all;
  double squares = 0;
  for (int i = static_cast<int>(threadIdx.x); i < shape.tiles; i += step) {
    const double apart = moments[i].first - mean;
    squares += moments[i].squares + count(i) * apart * apart;
  }
  return norm_of(mean, block_sum(squares, shared) / all, shape.epsilon1);
}

__device__ inline NormOf product_norm(const DConvShape& shape, double sum, double squares) {
  const double all = 2.0 * shape.positions * shape.channels;
  const double mean = sum / all;
  return norm_of(mean, squares / all - mean * mean, shape.epsilon2);
}
__device__ inline NormOf product_norm(const DConvShape& shape, const DConvMoments* moments,
                                      double* shared) {
  double sum = 0;
  double squares = 0;
  for (int i = static_cast<int>(threadIdx.x); i < shape.tiles; i += static_cast<int>(blockDim.x)) {
    sum += moments[i].first;
    squares += moments[i].squares;
  }
  sum = block_sum(sum, shared);
  return product_norm(shape, sum, block_sum(squares, shared));
}

}  // namespace metalaudio::nn::cuda
