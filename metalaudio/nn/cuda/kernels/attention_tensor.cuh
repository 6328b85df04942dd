#pragma once

#include <metalaudio/nn/cuda/kernels/attention_groups.cuh>
#include <metalaudio/nn/cuda/kernels/attention_products.cuh>
#include <metalaudio/nn/cuda/kernels/attention_tiles.cuh>
#include <metalaudio/nn/cuda/kernels/common.cuh>
#include <metalaudio/nn/cuda/kernels/functions.cuh>

namespace metalaudio::nn::cuda {

constexpr int kAttentionWarps = 4;

/// One tile of keys and values for a block, of which those past the last token are zeros.
template <typename T, int Depth>
__device__ __forceinline__ void load_keys(T* to, const T* from, std::int64_t pitch, int first,
                                          int count) {
  constexpr int kChunks = Depth / kChunk<T>;
#pragma unroll
  for (int i = static_cast<int>(threadIdx.x); i < kKeyTile * kChunks; i += kAttentionWarps * 32) {
    const int row = i / kChunks;
    const int chunk = i % kChunks;
    const bool there = first + row < count;
    copy_async<16>(shared_address(to + row * kKeyPitch<T, Depth> + chunk * kChunk<T>),
                   there ? from + (first + row) * pitch + chunk * kChunk<T> : from, there);
  }
}

/// A block takes M · 16 queries per warp through all keys, a tile of them at a time, and keeps the
/// greatest score and the sum of each row as it goes. Scores stay in registers: those of one product
/// are laid out as the left factor of the next. f32 splits its factors into numbers of tf32.
template <Product P, int Depth, int M>
__global__ void __launch_bounds__(kAttentionWarps * 32, P == Product::f32 && Depth <= 64 ? 3 : 1)
    attention_kernel(const typename ValueOf<P>::Type* q, const typename ValueOf<P>::Type* k,
                     const typename ValueOf<P>::Type* v, typename ValueOf<P>::Type* y,
                     __grid_constant__ const AttentionShape shape) {
  using Products = AttentionProducts<P, Depth, M>;
  using T = typename Products::T;
  constexpr bool kHalves = Products::kHalves;
  constexpr int kStep = Products::kStep;
  constexpr int kDepthSteps = Products::kDepthSteps;
  constexpr int kOut = Products::kOut;
  constexpr int kScores = Products::kScores;
  constexpr int kPitch = Products::kPitch;
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
    constexpr int kWord = 4 / sizeof(T);
    const T* const rows = q + shape.queries.offset(batch) + head * Depth + lane % 4 * kWord;
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
            low = *reinterpret_cast<const std::uint32_t*>(from + step * kStep);
            high = *reinterpret_cast<const std::uint32_t*>(from + step * kStep + kStep / 2);
          }
          query[m][step][half] = P == Product::tf32 ? near_tf32(low) : low;
          query[m][step][2 + half] = P == Product::tf32 ? near_tf32(high) : high;
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
    Products::add_scores(score, query, key_tile);

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

    Products::add_values(out, score, value_tile);
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
        const float first = out[m][n][2 * half] * factor;
        const float second = out[m][n][2 * half + 1] * factor;
        if constexpr (kHalves) {
          *reinterpret_cast<std::uint32_t*>(to + n * 8) = pack<T>(first, second);
        } else {
          *reinterpret_cast<float2*>(to + n * 8) = make_float2(first, second);
        }
      }
    }
  }
}

template <Product P, int Depth, int M, typename T>
bool launch_tiles(const T* q, const T* k, const T* v, T* y, const AttentionShape& shape,
                  cudaStream_t stream) {
  auto* const kernel = attention_kernel<P, Depth, M>;
  constexpr int kBytes = 4 * kKeyTile * kKeyPitch<T, Depth> * static_cast<int>(sizeof(T));
  if (!allow_shared(kernel, kBytes)) return false;
  constexpr int kQueries = kAttentionWarps * M * 16;
  const dim3 grid(static_cast<unsigned>((shape.queries.tokens + kQueries - 1) / kQueries),
                  static_cast<unsigned>(shape.batches * shape.heads));
  kernel<<<grid, kAttentionWarps * 32, kBytes, stream>>>(q, k, v, y, shape);
  return true;
}

/// Two rows of tiles per warp read keys and values half as often, but are half as many blocks, and
/// take more registers than there are for deep heads.
template <Product P, int Depth, typename T>
bool launch_depth(const T* q, const T* k, const T* v, T* y, const AttentionShape& shape,
                  cudaStream_t stream) {
  constexpr int kMostDepthForTwo = P == Product::f32 ? 0 : P == Product::tf32 ? 48 : 64;
  if constexpr (Depth <= kMostDepthForTwo) {
    if (enough_blocks_of_128(shape)) {
      return launch_tiles<P, Depth, 2>(q, k, v, y, shape, stream);
    }
  }
  return launch_tiles<P, Depth, 1>(q, k, v, y, shape, stream);
}

template <Product P, typename T>
bool launch_attention_tensor(const T* q, const T* k, const T* v, T* y, const AttentionShape& shape,
                             cudaStream_t stream) {
#ifdef METALAUDIO_WARP_GROUPS
  if constexpr (P == Product::f16 || P == Product::bf16) {
    if (current_limits().capability == 90 &&
        launch_attention_groups<P>(q, k, v, y, shape, stream)) {
      return true;
    }
  }
#endif
  return with_depth(shape.depth,
                    [&]<int Depth>() { return launch_depth<P, Depth>(q, k, v, y, shape, stream); });
}

}  // namespace metalaudio::nn::cuda
