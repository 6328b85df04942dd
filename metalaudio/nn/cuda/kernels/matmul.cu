#include <metalaudio/nn/cuda/kernels/matmul.h>
#include <metalaudio/nn/cuda/kernels/tensor_core.cuh>
#include <metalaudio/nn/cuda/kernels/walk.cuh>
#include <metalaudio/nn/cuda/kernels/wide.cuh>

namespace metalaudio::nn::cuda {

namespace {

constexpr int kTile = 64;
constexpr int kDepth = 16;
constexpr int kAcross = 16;
constexpr int kEach = kTile / kAcross;

/// Tiles of 64 x 64 results, of which a thread has every 16th row and column.
__global__ void __launch_bounds__(kThreads)
    matmul_kernel(const float* a, const float* b, float* y,
                  __grid_constant__ const MatMulShape shape) {
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
    const float* const from_a = a + at[0];
    const float* const from_b = b + at[1];
    float sums[kEach][kEach] = {};
    for (std::int64_t first = 0; first < shape.k; first += kDepth) {
      __syncthreads();
      for (int i = thread; i < kTile * kDepth; i += kThreads) {
        const std::int64_t m = first_row + i / kDepth;
        const std::int64_t k = first + i % kDepth;
        left[i % kDepth][i / kDepth] = m < shape.m && k < shape.k ? from_a[m * shape.k + k] : 0.0F;
      }
      for (int i = thread; i < kTile * kDepth; i += kThreads) {
        const std::int64_t k = first + i / kTile;
        const std::int64_t n = first_column + i % kTile;
        right[i / kTile][i % kTile] = k < shape.k && n < shape.n ? from_b[k * shape.n + n] : 0.0F;
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
    float* const to = y + batch * shape.m * shape.n;
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
#pragma unroll
      for (int j = 0; j < kEach; ++j) {
        const std::int64_t m = first_row + row + i * kAcross;
        const std::int64_t n = first_column + column + j * kAcross;
        if (m < shape.m && n < shape.n) to[m * shape.n + n] = sums[i][j];
      }
    }
  }
}

constexpr int kTensorThreads = 128;
constexpr int kTensorDepth = 32;
constexpr int kLeftPitch = kTensorDepth + 8;  ///< an odd number of chunks of 16 bytes
constexpr int kRightPitch = kTile + 8;

/// Eight neighbours of a row, zeros past its end; all of them at once where `wide` says that rows
/// begin at 16 bytes and end with a chunk.
template <typename T>
__device__ uint4 chunk_at(const T* row, std::int64_t at, std::int64_t end, bool there, bool wide) {
  if (!there || at >= end) return make_uint4(0, 0, 0, 0);
  if (wide) return *reinterpret_cast<const uint4*>(row + at);
  Vector<T, 8> chunk;
#pragma unroll
  for (int i = 0; i < 8; ++i) chunk.at[i] = at + i < end ? row[at + i] : from_float<T>(0.0F);
  return *reinterpret_cast<const uint4*>(&chunk);
}

/// Tiles of 64 x 64 on the tensor cores, 32 x 32 of them for each of four warps. What comes next is
/// read while the present stage is multiplied.
template <Product P>
__global__ void __launch_bounds__(kTensorThreads)
    tensor_matmul_kernel(const typename ValueOf<P>::Type* a, const typename ValueOf<P>::Type* b,
                         typename ValueOf<P>::Type* y, __grid_constant__ const MatMulShape shape,
                         bool wide_a, bool wide_b) {
  using T = typename ValueOf<P>::Type;
  __shared__ __align__(16) T left[2][kTile * kLeftPitch];
  __shared__ __align__(16) T right[2][kTensorDepth * kRightPitch];
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % 32;
  const int warp_row = thread / 64 * 32;
  const int warp_column = thread / 32 % 2 * 32;
  const std::int64_t across = (shape.n + kTile - 1) / kTile;
  const std::int64_t tiles = across * ((shape.m + kTile - 1) / kTile);
  const std::int64_t stages = (shape.k + kTensorDepth - 1) / kTensorDepth;
  for (std::int64_t item = blockIdx.x; item < tiles * shape.batches.size; item += gridDim.x) {
    const std::int64_t batch = item / tiles;
    const std::int64_t tile = item - batch * tiles;
    const std::int64_t first_row = tile / across * kTile;
    const std::int64_t first_column = tile % across * kTile;
    std::int64_t at[2];
    offsets_at(shape.batches, batch, at);
    uint4 next_left[2];
    uint4 next_right[2];
    const auto read = [&](std::int64_t stage) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const int chunk = thread + i * kTensorThreads;
        const std::int64_t row = first_row + chunk / 4;
        next_left[i] = chunk_at(a + at[0] + row * shape.k, stage * kTensorDepth + chunk % 4 * 8,
                                shape.k, row < shape.m, wide_a);
        const std::int64_t line = stage * kTensorDepth + chunk / 8;
        next_right[i] = chunk_at(b + at[1] + line * shape.n, first_column + chunk % 8 * 8, shape.n,
                                 line < shape.k, wide_b);
      }
    };
    float sums[2][4][4] = {};
    __syncthreads();
    if (stages > 0) read(0);
    for (std::int64_t stage = 0; stage < stages; ++stage) {
      T* const rows = left[stage % 2];
      T* const lines = right[stage % 2];
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const int chunk = thread + i * kTensorThreads;
        *reinterpret_cast<uint4*>(rows + chunk / 4 * kLeftPitch + chunk % 4 * 8) = next_left[i];
        *reinterpret_cast<uint4*>(lines + chunk / 8 * kRightPitch + chunk % 8 * 8) = next_right[i];
      }
      __syncthreads();
      if (stage + 1 < stages) read(stage + 1);
#pragma unroll
      for (int step = 0; step < kTensorDepth / 16; ++step) {
        std::uint32_t fa[2][4];
        std::uint32_t fb[2][4];
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          load_matrices(fa[i], shared_address(rows + (warp_row + i * 16 + lane % 16) * kLeftPitch +
                                              step * 16 + lane / 16 * 8));
          load_transposed(fb[i], shared_address(lines + (step * 16 + lane % 16) * kRightPitch +
                                                warp_column + i * 16 + lane / 16 * 8));
        }
#pragma unroll
        for (int m = 0; m < 2; ++m) {
#pragma unroll
          for (int n = 0; n < 4; ++n) {
            multiply<P>(sums[m][n], fa[m], fb[n / 2][n % 2 * 2], fb[n / 2][n % 2 * 2 + 1]);
          }
        }
      }
    }
    T* const to = y + batch * shape.m * shape.n;
#pragma unroll
    for (int m = 0; m < 2; ++m) {
#pragma unroll
      for (int n = 0; n < 4; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const std::int64_t row = first_row + warp_row + m * 16 + i / 2 * 8 + lane / 4;
          const std::int64_t column = first_column + warp_column + n * 8 + lane % 4 * 2 + i % 2;
          if (row < shape.m && column < shape.n) {
            to[row * shape.n + column] = from_float<T>(sums[m][n][i]);
          }
        }
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
  const std::int64_t tiles = (shape.m + kTile - 1) / kTile * ((shape.n + kTile - 1) / kTile);
  const unsigned grid = grid_of(tiles * shape.batches.size, 1);
  if (type == DataType::f32) {
    matmul_kernel<<<grid, kThreads, 0, stream>>>(
        static_cast<const float*>(a), static_cast<const float*>(b), static_cast<float*>(y), shape);
    return;
  }
  // Batches begin at whole chunks where rows do.
  const bool wide_a = shape.k % 8 == 0 && is_aligned(a);
  const bool wide_b = shape.n % 8 == 0 && is_aligned(b);
  const auto launch = [&]<Product P>() {
    using T = typename ValueOf<P>::Type;
    tensor_matmul_kernel<P>
        <<<grid, kTensorThreads, 0, stream>>>(static_cast<const T*>(a), static_cast<const T*>(b),
                                              static_cast<T*>(y), shape, wide_a, wide_b);
  };
  if (type == DataType::f16) return launch.template operator()<Product::f16>();
  if (type == DataType::bf16) return launch.template operator()<Product::bf16>();
  visit_any(type, [&]<typename T>(T) {
    plain_matmul_kernel<T><<<grid_of(size), kThreads, 0, stream>>>(
        static_cast<const T*>(a), static_cast<const T*>(b), static_cast<T*>(y), shape);
  });
}

}  // namespace metalaudio::nn::cuda
