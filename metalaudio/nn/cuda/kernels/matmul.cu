#include <metalaudio/nn/cuda/kernels/matmul.h>
#include <metalaudio/nn/cuda/kernels/walk.cuh>
#include <metalaudio/nn/cuda/kernels/wide.cuh>

namespace metalaudio::nn::cuda {

namespace {

constexpr int kTile = 64;
constexpr int kDepth = 16;
constexpr int kAcross = 16;
constexpr int kEach = kTile / kAcross;

/// Tiles of 64 x 64 results, of which a thread has every 16th row and column.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    matmul_kernel(const T* a, const T* b, T* y, __grid_constant__ const MatMulShape shape) {
  __shared__ float left[kDepth][kTile + 4];
  __shared__ float right[kDepth][kTile + 4];
  const int thread = static_cast<int>(threadIdx.x);
  const int column = thread % kAcross;
  const int row = thread / kAcross;
  const std::int64_t across = (shape.n + kTile - 1) / kTile;
  const std::int64_t tiles = across * ((shape.m + kTile - 1) / kTile);
  for (std::int64_t item = blockIdx.x; item < tiles * shape.batches.size; item += gridDim.x) {
    const std::int64_t batch = item / tiles;
    const std::int64_t tile = item - batch * tiles;
    const std::int64_t first_row = tile / across * kTile;
    const std::int64_t first_column = tile % across * kTile;
    std::int64_t at[2];
    offsets_at(shape.batches, batch, at);
    const T* const from_a = a + at[0];
    const T* const from_b = b + at[1];
    float sums[kEach][kEach] = {};
    for (std::int64_t first = 0; first < shape.k; first += kDepth) {
      __syncthreads();
      for (int i = thread; i < kTile * kDepth; i += kThreads) {
        const std::int64_t m = first_row + i / kDepth;
        const std::int64_t k = first + i % kDepth;
        left[i % kDepth][i / kDepth] =
            m < shape.m && k < shape.k ? to_float(from_a[m * shape.k + k]) : 0.0F;
      }
      for (int i = thread; i < kTile * kDepth; i += kThreads) {
        const std::int64_t k = first + i / kTile;
        const std::int64_t n = first_column + i % kTile;
        right[i / kTile][i % kTile] =
            k < shape.k && n < shape.n ? to_float(from_b[k * shape.n + n]) : 0.0F;
      }
      __syncthreads();
#pragma unroll
      for (int k = 0; k < kDepth; ++k) {
        float fa[kEach];
        float fb[kEach];
#pragma unroll
        for (int i = 0; i < kEach; ++i) {
          fa[i] = left[k][row + i * kAcross];
          fb[i] = right[k][column + i * kAcross];
        }
#pragma unroll
        for (int i = 0; i < kEach; ++i) {
#pragma unroll
          for (int j = 0; j < kEach; ++j) sums[i][j] = fmaf(fa[i], fb[j], sums[i][j]);
        }
      }
    }
    T* const to = y + batch * shape.m * shape.n;
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
#pragma unroll
      for (int j = 0; j < kEach; ++j) {
        const std::int64_t m = first_row + row + i * kAcross;
        const std::int64_t n = first_column + column + j * kAcross;
        if (m < shape.m && n < shape.n) to[m * shape.n + n] = from_float<T>(sums[i][j]);
      }
    }
  }
}

/// A thread for each result.
template <typename T>
__global__ void plain_matmul_kernel(const T* a, const T* b, T* y,
                                    __grid_constant__ const MatMulShape shape) {
  const std::int64_t size = shape.batches.size * shape.m * shape.n;
  for (auto i = first_item(); i < size; i += item_step()) {
    const std::int64_t n = i % shape.n;
    const std::int64_t m = i / shape.n % shape.m;
    std::int64_t at[2];
    offsets_at(shape.batches, i / shape.n / shape.m, at);
    const T* const row = a + at[0] + m * shape.k;
    const T* const column = b + at[1] + n;
    Wide<T> sum = 0;
    for (std::int64_t k = 0; k < shape.k; ++k) {
      sum = plus(sum, times(widen(row[k]), widen(column[k * shape.n])));
    }
    y[i] = converted<T>(sum);
  }
}

}  // namespace

void launch_matmul(DataType type, const void* a, const void* b, void* y, const MatMulShape& shape,
                   cudaStream_t stream) {
  const std::int64_t size = shape.batches.size * shape.m * shape.n;
  if (size == 0) return;
  if (type == DataType::f32 || type == DataType::f16 || type == DataType::bf16) {
    const std::int64_t tiles = (shape.m + kTile - 1) / kTile * ((shape.n + kTile - 1) / kTile);
    visit_real(type, [&]<typename T>(T) {
      matmul_kernel<T><<<grid_of(tiles * shape.batches.size, 1), kThreads, 0, stream>>>(
          static_cast<const T*>(a), static_cast<const T*>(b), static_cast<T*>(y), shape);
    });
    return;
  }
  visit_any(type, [&]<typename T>(T) {
    plain_matmul_kernel<T><<<grid_of(size), kThreads, 0, stream>>>(
        static_cast<const T*>(a), static_cast<const T*>(b), static_cast<T*>(y), shape);
  });
}

}  // namespace metalaudio::nn::cuda
