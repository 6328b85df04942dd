#include <metalaudio/nn/cuda/kernels/attention_tiles.cuh>
#include <metalaudio/nn/cuda/kernels/common.cuh>

namespace metalaudio::nn::cuda {

namespace {

constexpr int kThreadsAcross = 16;  ///< along keys, then along the depth of the results
constexpr int kThreadsDown = 16;    ///< along queries
constexpr int kTile = 64;           ///< keys
constexpr int kKeysEach = kTile / kThreadsAcross;
constexpr int kWeightPitch = kTile + 4;

/// An odd number of 16-byte chunks, so that rows of one chunk spread over the banks.
template <int Depth>
constexpr int kRowPitch = Depth + 4;

template <int Depth>
constexpr int shared_bytes(int queries) {
  return 4 * ((queries + 2 * kTile) * kRowPitch<Depth> + queries * kWeightPitch);
}

template <int Depth>
__device__ void load_rows(float* to, const float* from, std::int64_t pitch, int rows, int first,
                          int count) {
  constexpr int kChunks = Depth / 4;
  for (int i = static_cast<int>(threadIdx.x); i < rows * kChunks; i += kThreads) {
    const int row = i / kChunks;
    const int chunk = i % kChunks;
    float4 value = make_float4(0, 0, 0, 0);
    if (first + row < count) {
      value = *reinterpret_cast<const float4*>(from + (first + row) * pitch + chunk * 4);
    }
    *reinterpret_cast<float4*>(to + row * kRowPitch<Depth> + chunk * 4) = value;
  }
}

/// 128 or 64 queries of a head against tiles of 64 keys; every thread has 8 or 4 rows of both products.
template <int Depth, int kRowsEach>
__global__ void __launch_bounds__(kThreads)
    attention_f32_kernel(const float* q, const float* k, const float* v, float* y,
                         __grid_constant__ const AttentionShape shape) {
  constexpr int kQueryTile = kThreadsDown * kRowsEach;
  constexpr int kPitch = kRowPitch<Depth>;
  constexpr int kOut = Depth / kThreadsAcross;
  extern __shared__ __align__(16) float rows_in_shared[];
  float* const query_tile = rows_in_shared;
  float* const key_tile = query_tile + kQueryTile * kPitch;
  float* const value_tile = key_tile + kTile * kPitch;
  float* const weights = value_tile + kTile * kPitch;

  const int across = static_cast<int>(threadIdx.x) % kThreadsAcross;
  const int down = static_cast<int>(threadIdx.x) / kThreadsAcross;
  const std::int64_t batch = blockIdx.y / shape.heads;
  const std::int64_t head = blockIdx.y % shape.heads;
  const int queries = static_cast<int>(shape.queries.tokens);
  const int keys = static_cast<int>(shape.keys.tokens);
  const int first_query = static_cast<int>(blockIdx.x) * kQueryTile;
  const float* const key_rows = k + shape.keys.offset(batch) + head * Depth;
  const float* const value_rows = v + shape.values.offset(batch) + head * Depth;

  load_rows<Depth>(query_tile, q + shape.queries.offset(batch) + head * Depth,
                   shape.queries.pitch(), kQueryTile, first_query, queries);
  float out[kRowsEach][kOut] = {};
  float top[kRowsEach];
  float sum[kRowsEach] = {};
#pragma unroll
  for (int r = 0; r < kRowsEach; ++r) top[r] = -INFINITY;
  const int last_key = shape.causal ? min(keys, first_query + kQueryTile) : keys;

  for (int first = 0; first < last_key; first += kTile) {
    __syncthreads();
    load_rows<Depth>(key_tile, key_rows, shape.keys.pitch(), kTile, first, keys);
    load_rows<Depth>(value_tile, value_rows, shape.values.pitch(), kTile, first, keys);
    __syncthreads();

    float score[kRowsEach][kKeysEach] = {};
#pragma unroll 4
    for (int d = 0; d < Depth; d += 4) {
      float4 key[kKeysEach];
#pragma unroll
      for (int n = 0; n < kKeysEach; ++n) {
        key[n] =
            *reinterpret_cast<const float4*>(key_tile + (across + n * kThreadsAcross) * kPitch + d);
      }
#pragma unroll
      for (int r = 0; r < kRowsEach; ++r) {
        const float4 query =
            *reinterpret_cast<const float4*>(query_tile + (down + r * kThreadsDown) * kPitch + d);
#pragma unroll
        for (int n = 0; n < kKeysEach; ++n) {
          score[r][n] = fmaf(query.x, key[n].x, score[r][n]);
          score[r][n] = fmaf(query.y, key[n].y, score[r][n]);
          score[r][n] = fmaf(query.z, key[n].z, score[r][n]);
          score[r][n] = fmaf(query.w, key[n].w, score[r][n]);
        }
      }
    }

#pragma unroll
    for (int r = 0; r < kRowsEach; ++r) {
      const int row = first_query + down + r * kThreadsDown;
      float most = top[r];
#pragma unroll
      for (int n = 0; n < kKeysEach; ++n) {
        const int key = first + across + n * kThreadsAcross;
        const bool hidden = key >= keys || (shape.causal && key > row);
        score[r][n] = hidden ? -INFINITY : score[r][n] * shape.scale;
        most = fmaxf(most, score[r][n]);
      }
#pragma unroll
      for (int step = kThreadsAcross / 2; step > 0; step /= 2) {
        most = fmaxf(most, __shfl_xor_sync(0xffffffffU, most, step));
      }
      const float shift = most == -INFINITY ? 0.0F : most;
      const float shrink = expf(top[r] - shift);
      top[r] = most;
      sum[r] *= shrink;
#pragma unroll
      for (int c = 0; c < kOut; ++c) out[r][c] *= shrink;
#pragma unroll
      for (int n = 0; n < kKeysEach; ++n) {
        const float weight = expf(score[r][n] - shift);
        sum[r] += weight;
        weights[(down + r * kThreadsDown) * kWeightPitch + across + n * kThreadsAcross] = weight;
      }
    }
    // A row of weights is written and read by one half of one warp.
    __syncwarp();

#pragma unroll 2
    for (int key = 0; key < kTile; key += 4) {
      float value[4][kOut];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
#pragma unroll
        for (int c = 0; c < kOut; ++c) {
          value[i][c] = value_tile[(key + i) * kPitch + across + c * kThreadsAcross];
        }
      }
#pragma unroll
      for (int r = 0; r < kRowsEach; ++r) {
        const float4 weight = *reinterpret_cast<const float4*>(
            weights + (down + r * kThreadsDown) * kWeightPitch + key);
#pragma unroll
        for (int c = 0; c < kOut; ++c) {
          out[r][c] = fmaf(weight.x, value[0][c], out[r][c]);
          out[r][c] = fmaf(weight.y, value[1][c], out[r][c]);
          out[r][c] = fmaf(weight.z, value[2][c], out[r][c]);
          out[r][c] = fmaf(weight.w, value[3][c], out[r][c]);
        }
      }
    }
  }

  float* const rows = y + shape.results.offset(batch) + head * Depth;
#pragma unroll
  for (int r = 0; r < kRowsEach; ++r) {
    float whole = sum[r];
#pragma unroll
    for (int step = kThreadsAcross / 2; step > 0; step /= 2) {
      whole += __shfl_xor_sync(0xffffffffU, whole, step);
    }
    const int row = first_query + down + r * kThreadsDown;
    if (row >= queries) continue;
#pragma unroll
    for (int c = 0; c < kOut; ++c) {
      rows[row * shape.results.pitch() + across + c * kThreadsAcross] = out[r][c] / whole;
    }
  }
}

template <int Depth, int RowsEach>
bool launch_rows(const float* q, const float* k, const float* v, float* y,
                 const AttentionShape& shape, cudaStream_t stream) {
  auto* const kernel = attention_f32_kernel<Depth, RowsEach>;
  constexpr int kQueries = kThreadsDown * RowsEach;
  if (!allow_shared(kernel, shared_bytes<Depth>(kQueries))) return false;
  const dim3 grid(static_cast<unsigned>((shape.queries.tokens + kQueries - 1) / kQueries),
                  static_cast<unsigned>(shape.batches * shape.heads));
  kernel<<<grid, kThreads, shared_bytes<Depth>(kQueries), stream>>>(q, k, v, y, shape);
  return true;
}

}  // namespace

bool launch_attention_f32(const float* q, const float* k, const float* v, float* y,
                          const AttentionShape& shape, cudaStream_t stream) {
  return with_depth(shape.depth, [&]<int Depth>() {
    return launch_rows<Depth, 8>(q, k, v, y, shape, stream) ||
           launch_rows<Depth, 4>(q, k, v, y, shape, stream);
  });
}

}  // namespace metalaudio::nn::cuda
