#include <metalaudio/nn/cuda/kernels/attention_tiles.cuh>
#include <metalaudio/nn/cuda/kernels/common.cuh>

namespace metalaudio::nn::cuda {

namespace {

constexpr int kQueryThreads = 128;
constexpr int kKeys = kQueryThreads;  ///< of a tile: one for each thread

__device__ float block_max(float value, float* shared) {
  for (int step = 16; step > 0; step /= 2) {
    value = fmaxf(value, __shfl_xor_sync(0xffffffffU, value, step));
  }
  __syncthreads();
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
  __syncthreads();
  for (int i = 0; i < kQueryThreads / 32; ++i) value = fmaxf(value, shared[i]);
  return value;
}

/// One query of one head by a block: any depth, mask and place of the tokens.
template <typename T>
__global__ void __launch_bounds__(kQueryThreads)
    plain_attention_kernel(const T* q, const T* k, const T* v, const T* mask, T* y,
                           __grid_constant__ const AttentionShape shape, std::int64_t rows) {
  extern __shared__ float head_in_shared[];  // a query, its result
  float* const query = head_in_shared;
  float* const out = query + shape.depth;
  __shared__ float weights[kKeys];
  __shared__ float partial[32];
  const int thread = static_cast<int>(threadIdx.x);
  for (std::int64_t item = blockIdx.x; item < rows; item += gridDim.x) {
    const std::int64_t token = item % shape.queries.tokens;
    const std::int64_t unit = item / shape.queries.tokens;
    const std::int64_t head = unit % shape.heads;
    const std::int64_t batch = unit / shape.heads;
    const T* const from =
        q + shape.queries.offset(batch) + token * shape.queries.pitch() + head * shape.depth;
    const T* const key_rows = k + shape.keys.offset(batch) + head * shape.depth;
    const T* const value_rows = v + shape.values.offset(batch) + head * shape.width;
    const T* const mask_row = mask == nullptr ? nullptr
                                              : mask + batch * shape.mask[0] +
                                                    head * shape.mask[1] + token * shape.mask[2];
    __syncthreads();
    for (int d = thread; d < shape.depth; d += kQueryThreads) query[d] = to_float(from[d]);
    for (int c = thread; c < shape.width; c += kQueryThreads) out[c] = 0;
    float top = -INFINITY;
    float sum = 0;
    const std::int64_t keys =
        shape.causal && token + 1 < shape.keys.tokens ? token + 1 : shape.keys.tokens;
    for (std::int64_t first = 0; first < keys; first += kKeys) {
      __syncthreads();
      const std::int64_t key = first + thread;
      float score = -INFINITY;
      if (key < keys) {
        const T* const row = key_rows + key * shape.keys.pitch();
        float dot = 0;
        for (int d = 0; d < shape.depth; ++d) dot = fmaf(query[d], to_float(row[d]), dot);
        score = dot * shape.scale;
        if (mask_row != nullptr) score += to_float(mask_row[key * shape.mask[3]]);
      }
      const float most = fmaxf(top, block_max(score, partial));
      const float shift = most == -INFINITY ? 0.0F : most;
      const float shrink = expf(top - shift);
      const float weight = expf(score - shift);
      top = most;
      weights[thread] = weight;
      sum = sum * shrink + block_sum(weight, partial);
      const int count = static_cast<int>(keys - first < kKeys ? keys - first : kKeys);
      for (int c = thread; c < shape.width; c += kQueryThreads) {
        float value = out[c] * shrink;
        const T* column = value_rows + first * shape.values.pitch() + c;
        for (int i = 0; i < count; ++i, column += shape.values.pitch()) {
          value = fmaf(weights[i], to_float(*column), value);
        }
        out[c] = value;
      }
    }
    T* const to =
        y + shape.results.offset(batch) + token * shape.results.pitch() + head * shape.width;
    for (int c = thread; c < shape.width; c += kQueryThreads) {
      to[c] = from_float<T>(sum == 0 ? 0.0F : out[c] / sum);
    }
  }
}

bool launch_tiles(const float* q, const float* k, const float* v, float* y,
                  const AttentionShape& shape, cudaStream_t stream) {
  if (current_limits().capability >= 80) {
    const bool taken = shape.tf32
                           ? launch_attention_tensor<Product::tf32>(q, k, v, y, shape, stream)
                           : launch_attention_tensor<Product::f32>(q, k, v, y, shape, stream);
    if (taken) return true;
  }
  return launch_attention_f32(q, k, v, y, shape, stream);
}
bool launch_tiles(const Half* q, const Half* k, const Half* v, Half* y, const AttentionShape& shape,
                  cudaStream_t stream) {
  return launch_attention_tensor<Product::f16>(q, k, v, y, shape, stream);
}
bool launch_tiles(const Bfloat* q, const Bfloat* k, const Bfloat* v, Bfloat* y,
                  const AttentionShape& shape, cudaStream_t stream) {
  return launch_attention_tensor<Product::bf16>(q, k, v, y, shape, stream);
}

}  // namespace

void launch_attention(DataType type, const void* q, const void* k, const void* v, const void* mask,
                      void* y, const AttentionShape& shape, cudaStream_t stream) {
  constexpr std::int64_t kMostTokens = std::int64_t{1} << 30;
  const std::int64_t rows = shape.batches * shape.heads * shape.queries.tokens;
  const auto aligned = [&](const TokenRows& tokens, const void* at) {
    return is_aligned(at) && tokens.channels * static_cast<std::int64_t>(size_of(type)) % 16 == 0;
  };
  const bool tiled = mask == nullptr && shape.depth == shape.width && shape.scale > 0 &&
                     shape.keys.tokens > 0 && shape.keys.tokens < kMostTokens &&
                     shape.queries.tokens < kMostTokens && shape.batches * shape.heads <= 65535 &&
                     aligned(shape.queries, q) && aligned(shape.keys, k) &&
                     aligned(shape.values, v) && aligned(shape.results, y);
  visit_real(type, [&]<typename T>(T) {
    const auto* const queries = static_cast<const T*>(q);
    const auto* const keys = static_cast<const T*>(k);
    const auto* const values = static_cast<const T*>(v);
    if (tiled && launch_tiles(queries, keys, values, static_cast<T*>(y), shape, stream)) return;
    // The compiler reads up to four numbers of a query ahead, and drops what is not there.
    const std::size_t bytes =
        static_cast<std::size_t>(shape.depth + shape.width + 4) * sizeof(float);
    plain_attention_kernel<T><<<grid_of(rows, 1), kQueryThreads, bytes, stream>>>(
        queries, keys, values, static_cast<const T*>(mask), static_cast<T*>(y), shape, rows);
  });
}

}  // namespace metalaudio::nn::cuda
