#pragma once

#include <metalaudio/nn/cuda/kernels/attention_tiles.h>
#include <metalaudio/nn/cuda/kernels/common.cuh>
#include <metalaudio/nn/cuda/kernels/functions.cuh>
#include <metalaudio/nn/cuda/kernels/tensor_core.cuh>

namespace metalaudio::nn::cuda {

constexpr int kAttentionWarps = 4;
constexpr int kKeyTile = 64;

/// Rows of keys or values in shared memory. Their pitch is an odd number of 16-byte chunks, so that
/// eight rows of one chunk touch every bank once.
template <int Depth>
constexpr int kKeyPitch = Depth + 8;

/// One tile of keys and values for a block, of which those past the last token are zeros.
template <typename T, int Depth>
__device__ __forceinline__ void load_keys(T* to, const T* from, std::int64_t pitch, int first,
                                          int count) {
  constexpr int kChunks = Depth / 8;
#pragma unroll
  for (int i = static_cast<int>(threadIdx.x); i < kKeyTile * kChunks; i += kAttentionWarps * 32) {
    const int row = i / kChunks;
    const int chunk = i % kChunks;
    const bool there = first + row < count;
    copy_async<16>(shared_address(to + row * kKeyPitch<Depth> + chunk * 8),
                   there ? from + (first + row) * pitch + chunk * 8 : from, there);
  }
}

/// A block takes M · 16 queries per warp through all keys, a tile of them at a time, and keeps the
/// greatest score and the sum of each row as it goes. Scores stay in registers: those of one product
/// are laid out as the left factor of the next.
template <typename T, int Depth, int M>
__global__ void __launch_bounds__(kAttentionWarps * 32)
    attention_half_kernel(const T* q, const T* k, const T* v, T* y,
                          __grid_constant__ const AttentionShape shape) {
  constexpr Product kProduct = std::is_same_v<T, Half> ? Product::f16 : Product::bf16;
  constexpr int kDepthSteps = Depth / 16;
  constexpr int kOut = Depth / 8;
  constexpr int kScores = kKeyTile / 8;
  constexpr int kPitch = kKeyPitch<Depth>;
  constexpr int kTile = kKeyTile * kPitch;
  extern __shared__ __align__(16) unsigned char memory[];
  T* const tiles = reinterpret_cast<T*>(memory);  // keys, values; keys, values

  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const std::int64_t batch = blockIdx.y / shape.heads;
  const std::int64_t head = blockIdx.y % shape.heads;
  const int queries = static_cast<int>(shape.queries.tokens);
  const int keys = static_cast<int>(shape.keys.tokens);
  // The last queries of a causal layer have the most to do: they begin.
  const int block = static_cast<int>(shape.causal ? gridDim.x - 1 - blockIdx.x : blockIdx.x);
  const int first_query = block * (kAttentionWarps * M * 16);
  const int warp_query = first_query + warp * (M * 16);

  const T* const key_rows = k + shape.keys.offset(batch) + head * Depth;
  const T* const value_rows = v + shape.values.offset(batch) + head * Depth;

  int last_key = keys;
  if (shape.causal) last_key = min(keys, first_query + kAttentionWarps * M * 16);
  const int count = (last_key + kKeyTile - 1) / kKeyTile;
  const auto load = [&](int tile) {
    T* const to = tiles + tile % 2 * (2 * kTile);
    load_keys<T, Depth>(to, key_rows, shape.keys.pitch(), tile * kKeyTile, keys);
    load_keys<T, Depth>(to + kTile, value_rows, shape.values.pitch(), tile * kKeyTile, keys);
  };
  load(0);
  end_copies();

  std::uint32_t query[M][kDepthSteps][4];
  {
    const T* const rows = q + shape.queries.offset(batch) + head * Depth + lane % 4 * 2;
#pragma unroll
    for (int m = 0; m < M; ++m) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int row = warp_query + m * 16 + half * 8 + lane / 4;
        const T* const from = rows + row * shape.queries.pitch();
#pragma unroll
        for (int step = 0; step < kDepthSteps; ++step) {
          std::uint32_t low = 0;
          std::uint32_t high = 0;
          if (row < queries) {
            low = *reinterpret_cast<const std::uint32_t*>(from + step * 16);
            high = *reinterpret_cast<const std::uint32_t*>(from + step * 16 + 8);
          }
          query[m][step][half] = low;
          query[m][step][2 + half] = high;
        }
      }
    }
  }

  const float scale = shape.scale * 1.4426950408889634F;  // of powers of 2
  float out[M][kOut][4] = {};
  float top[M][2];
  float sum[M][2] = {};
#pragma unroll
  for (int m = 0; m < M; ++m) top[m][0] = top[m][1] = -INFINITY;

  for (int tile = 0; tile < count; ++tile) {
    wait_for_copies<0>();
    __syncthreads();
    if (tile + 1 < count) load(tile + 1);
    end_copies();
    const T* const key_tile = tiles + tile % 2 * (2 * kTile);
    const T* const value_tile = key_tile + kTile;
    const int first_key = tile * kKeyTile;
    // All keys of the tile lie behind the warp's queries.
    if (shape.causal && first_key > warp_query + M * 16 - 1) continue;

    float score[M][kScores][4] = {};
#pragma unroll
    for (int step = 0; step < kDepthSteps; ++step) {
#pragma unroll
      for (int pair = 0; pair < kScores / 2; ++pair) {
        // Matrices: keys 0-7 and 8 elements on, keys 8-15 and 8 elements on.
        std::uint32_t b[4];
        const int row = pair * 16 + lane % 8 + lane / 16 * 8;
        load_matrices(b, shared_address(key_tile + row * kPitch + step * 16 + lane / 8 % 2 * 8));
#pragma unroll
        for (int m = 0; m < M; ++m) {
          multiply<kProduct>(score[m][2 * pair], query[m][step], b[0], b[1]);
          multiply<kProduct>(score[m][2 * pair + 1], query[m][step], b[2], b[3]);
        }
      }
    }

    const bool beyond = first_key + kKeyTile > keys;
    const bool diagonal = shape.causal && first_key + kKeyTile - 1 > warp_query;
    if (beyond || diagonal) {
#pragma unroll
      for (int m = 0; m < M; ++m) {
#pragma unroll
        for (int n = 0; n < kScores; ++n) {
#pragma unroll
          for (int i = 0; i < 4; ++i) {
            const int key = first_key + n * 8 + lane % 4 * 2 + i % 2;
            const int row = warp_query + m * 16 + i / 2 * 8 + lane / 4;
            if (key >= keys || (shape.causal && key > row)) score[m][n][i] = -INFINITY;
          }
        }
      }
    }

#pragma unroll
    for (int m = 0; m < M; ++m) {
      float shift[2];
      float shrink[2];
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float most = top[m][half];
#pragma unroll
        for (int n = 0; n < kScores; ++n) {
          most = fmaxf(most, fmaxf(score[m][n][2 * half], score[m][n][2 * half + 1]));
        }
        most = fmaxf(most, __shfl_xor_sync(0xffffffffU, most, 1));
        most = fmaxf(most, __shfl_xor_sync(0xffffffffU, most, 2));
        shift[half] = most == -INFINITY ? 0.0F : most * scale;
        shrink[half] = power_of_2(top[m][half] * scale - shift[half]);
        top[m][half] = most;
      }
      // The greatest score seldom changes after a few tiles.
      if (__any_sync(0xffffffffU, shrink[0] != 1.0F || shrink[1] != 1.0F)) {
#pragma unroll
        for (int n = 0; n < kOut; ++n) {
#pragma unroll
          for (int i = 0; i < 4; ++i) out[m][n][i] *= shrink[i / 2];
        }
        sum[m][0] *= shrink[0];
        sum[m][1] *= shrink[1];
      }
#pragma unroll
      for (int n = 0; n < kScores; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          score[m][n][i] = power_of_2(fmaf(score[m][n][i], scale, -shift[i / 2]));
          sum[m][i / 2] += score[m][n][i];
        }
      }
    }

#pragma unroll
    for (int step = 0; step < kKeyTile / 16; ++step) {
      std::uint32_t weight[M][4];
#pragma unroll
      for (int m = 0; m < M; ++m) {
        weight[m][0] = pack<T>(score[m][2 * step][0], score[m][2 * step][1]);
        weight[m][1] = pack<T>(score[m][2 * step][2], score[m][2 * step][3]);
        weight[m][2] = pack<T>(score[m][2 * step + 1][0], score[m][2 * step + 1][1]);
        weight[m][3] = pack<T>(score[m][2 * step + 1][2], score[m][2 * step + 1][3]);
      }
#pragma unroll
      for (int pair = 0; pair < kOut / 2; ++pair) {
        // Matrices, turned over: keys 0-7 and 8-15, then both 8 elements on.
        std::uint32_t b[4];
        load_transposed(b, shared_address(value_tile + (step * 16 + lane % 16) * kPitch +
                                          pair * 16 + lane / 16 * 8));
#pragma unroll
        for (int m = 0; m < M; ++m) {
          multiply<kProduct>(out[m][2 * pair], weight[m], b[0], b[1]);
          multiply<kProduct>(out[m][2 * pair + 1], weight[m], b[2], b[3]);
        }
      }
    }
  }

  T* const rows = y + shape.results.offset(batch) + head * Depth + lane % 4 * 2;
#pragma unroll
  for (int m = 0; m < M; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float whole = sum[m][half];
      whole += __shfl_xor_sync(0xffffffffU, whole, 1);
      whole += __shfl_xor_sync(0xffffffffU, whole, 2);
      const float factor = 1.0F / whole;
      const int row = warp_query + m * 16 + half * 8 + lane / 4;
      if (row >= queries) continue;
      T* const to = rows + row * shape.results.pitch();
#pragma unroll
      for (int n = 0; n < kOut; ++n) {
        *reinterpret_cast<std::uint32_t*>(to + n * 8) =
            pack<T>(out[m][n][2 * half] * factor, out[m][n][2 * half + 1] * factor);
      }
    }
  }
}

template <typename T, int Depth, int M>
void launch_attention_tiles(const T* q, const T* k, const T* v, T* y, const AttentionShape& shape,
                            cudaStream_t stream) {
  auto* const kernel = attention_half_kernel<T, Depth, M>;
  constexpr int kBytes = 4 * kKeyTile * kKeyPitch<Depth> * static_cast<int>(sizeof(T));
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes);
  constexpr int kQueries = kAttentionWarps * M * 16;
  const dim3 grid(static_cast<unsigned>((shape.queries.tokens + kQueries - 1) / kQueries),
                  static_cast<unsigned>(shape.batches * shape.heads));
  kernel<<<grid, kAttentionWarps * 32, kBytes, stream>>>(q, k, v, y, shape);
}

/// Two rows of tiles per warp read keys and values half as often, but are half as many blocks.
template <typename T, int Depth>
void launch_depth(const T* q, const T* k, const T* v, T* y, const AttentionShape& shape,
                  cudaStream_t stream) {
  if constexpr (Depth <= 64) {
    const std::int64_t blocks = (shape.queries.tokens + 127) / 128 * shape.batches * shape.heads;
    if (blocks >= 2 * processors()) {
      return launch_attention_tiles<T, Depth, 2>(q, k, v, y, shape, stream);
    }
  }
  launch_attention_tiles<T, Depth, 1>(q, k, v, y, shape, stream);
}

template <typename T>
bool launch_attention_half(const T* q, const T* k, const T* v, T* y, const AttentionShape& shape,
                           cudaStream_t stream) {
  switch (shape.depth) {
    case 16:
      launch_depth<T, 16>(q, k, v, y, shape, stream);
      return true;
    case 32:
      launch_depth<T, 32>(q, k, v, y, shape, stream);
      return true;
    case 48:
      launch_depth<T, 48>(q, k, v, y, shape, stream);
      return true;
    case 64:
      launch_depth<T, 64>(q, k, v, y, shape, stream);
      return true;
    case 80:
      launch_depth<T, 80>(q, k, v, y, shape, stream);
      return true;
    case 96:
      launch_depth<T, 96>(q, k, v, y, shape, stream);
      return true;
    case 112:
      launch_depth<T, 112>(q, k, v, y, shape, stream);
      return true;
    case 128:
      launch_depth<T, 128>(q, k, v, y, shape, stream);
      return true;
    default:
      return false;
  }
}

}  // namespace metalaudio::nn::cuda
