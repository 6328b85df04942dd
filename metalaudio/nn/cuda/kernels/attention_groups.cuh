#pragma once

#include <metalaudio/nn/cuda/kernels/attention_products.cuh>
#include <metalaudio/nn/cuda/kernels/attention_tiles.cuh>
#include <metalaudio/nn/cuda/kernels/functions.cuh>
#include <metalaudio/nn/cuda/kernels/warp_group.cuh>

#include <algorithm>

namespace metalaudio::nn::cuda {

// Attention by warp groups, of 64 queries each, of which Groups share a block and its tiles. The
// tensor cores multiply for one while the ordinary units take the powers of another.

/// Tiles of keys and values: one that is multiplied, one that is on its way.
constexpr int kGroupStages = 2;

/// Loads tiles of keys or values as narrow tiles, one for each 16 of the depth.
template <typename T, int Depth, int Groups>
class GroupLoader {
 public:
  static constexpr int kTiles = Depth / 16;
  static constexpr int kTileBytes = kKeyTile * 32;
  static constexpr int kBytes = kTiles * kTileBytes;

  __device__ GroupLoader(const T* rows, std::int64_t pitch, int count)
      : pitch_(pitch), count_(count) {
    const int thread = static_cast<int>(threadIdx.x);
    const int tile = thread / 8 % kTiles;
    const int chunk = thread % 2;
    row_ = thread / 8 / kTiles * 4 + thread % 8 / 2;
    if (thread / 8 >= kTiles * kRowGroups) row_ = kKeyTile;  // takes no part
    from_ = rows + row_ * pitch + tile * 16 + chunk * 8;
    // The rows of a thread are multiples of eight apart, so all of them exchange chunks alike.
    to_ = tile * kTileBytes + narrow_place(row_, chunk);
  }

  /// Zeros stand for what lies past the last token.
  __device__ __forceinline__ void load(std::uint32_t to, int first) const {
    if (row_ >= kKeyTile) return;
#pragma unroll
    for (int row = 0; row < kKeyTile; row += kRowGroups * 4) {
      const bool there = first + row_ + row < count_;
      copy_async<16>(to + to_ + row * 32, there ? from_ + (first + row) * pitch_ : from_, there);
    }
  }

 private:
  /// Eight threads copy four rows of a tile at once.
  static constexpr int kRowGroups = std::min(kKeyTile / 4, Groups*(kTiles == 1   ? 16
                                                                   : kTiles == 2 ? 8
                                                                   : kTiles <= 4 ? 4
                                                                                 : 2));
  static_assert(kTiles <= 8);

  std::int64_t pitch_;
  int count_;
  int row_;
  const T* from_;
  std::uint32_t to_;
};

template <Product P, int Depth, int Groups>
__global__ void __launch_bounds__(Groups * 128, (Depth <= 64 ? 4 : 2) / Groups)
    attention_groups_kernel(const typename ValueOf<P>::Type* q, const typename ValueOf<P>::Type* k,
                            const typename ValueOf<P>::Type* v, typename ValueOf<P>::Type* y,
                            __grid_constant__ const AttentionShape shape) {
  if constexpr (kWarpGroups) {
    using T = typename ValueOf<P>::Type;
    using Loader = GroupLoader<T, Depth, Groups>;
    constexpr int kSteps = Depth / 16;
    constexpr int kScores = kKeyTile / 2;  ///< of a thread, and its results
    constexpr int kOut = Depth / 2;
    extern __shared__ __align__(1024) unsigned char group_memory[];

    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int warp = static_cast<int>(threadIdx.x) / 32;
    const std::int64_t batch = blockIdx.y / shape.heads;
    const std::int64_t head = blockIdx.y % shape.heads;
    const int queries = static_cast<int>(shape.queries.tokens);
    const int keys = static_cast<int>(shape.keys.tokens);
    // The last queries of a causal layer have the most to do: they begin.
    const int block = static_cast<int>(shape.causal ? gridDim.x - 1 - blockIdx.x : blockIdx.x);
    const int first_query = block * (Groups * 64);
    const int warp_query = first_query + warp * 16;

    int last_key = keys;
    if (shape.causal) last_key = min(keys, first_query + Groups * 64);
    const int count = (last_key + kKeyTile - 1) / kKeyTile;
    const Loader key_loader(k + shape.keys.offset(batch) + head * Depth, shape.keys.pitch(), keys);
    const Loader value_loader(v + shape.values.offset(batch) + head * Depth, shape.values.pitch(),
                              keys);
    const auto keys_of = [&](int tile) {
      return group_memory + tile % kGroupStages * Loader::kBytes;
    };
    const auto values_of = [&](int tile) {
      return group_memory + (kGroupStages + tile % kGroupStages) * Loader::kBytes;
    };
    const auto load_keys = [&](int tile) {
      if (tile < count) key_loader.load(shared_address(keys_of(tile)), tile * kKeyTile);
    };
    const auto load_values = [&](int tile) {
      if (tile < count) value_loader.load(shared_address(values_of(tile)), tile * kKeyTile);
    };
    load_keys(0);
    end_copies();

    std::uint32_t query[kSteps][4];
    {
      const T* const rows = q + shape.queries.offset(batch) + head * Depth + lane % 4 * 2;
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int row = warp_query + half * 8 + lane / 4;
        const T* const from = rows + row * shape.queries.pitch();
#pragma unroll
        for (int step = 0; step < kSteps; ++step) {
          std::uint32_t low = 0;
          std::uint32_t high = 0;
          if (row < queries) {
            low = *reinterpret_cast<const std::uint32_t*>(from + step * 16);
            high = *reinterpret_cast<const std::uint32_t*>(from + step * 16 + 8);
          }
          query[step][half] = low;
          query[step][2 + half] = high;
        }
      }
    }

    const float scale = shape.scale * 1.4426950408889634F;  // of powers of 2
    float score[kScores];
    std::uint32_t weight[kKeyTile / 16][4];
    float out[kOut] = {};
    float top[2] = {-INFINITY, -INFINITY};
    float sum[2] = {};
    float shrink[2];

    const auto multiply_keys = [&](int tile) {
      const unsigned char* const at = keys_of(tile);
      multiply_group_rows<P, kKeyTile, true, false>(score, query[0], narrow_descriptor(at));
#pragma unroll
      for (int step = 1; step < kSteps; ++step) {
        multiply_group_rows<P, kKeyTile, false, false>(
            score, query[step], narrow_descriptor(at + step * Loader::kTileBytes));
      }
      end_products();
    };
    const auto multiply_values = [&](int tile) {
      const unsigned char* const at = values_of(tile);
#pragma unroll
      for (int step = 0; step < kKeyTile / 16; ++step) {
        multiply_group_rows<P, Depth, false, true>(
            out, weight[step], narrow_descriptor(at + step * 16 * 32, Loader::kTileBytes));
      }
      end_products();
    };
    // Scores become weights, and `shrink` what earlier ones are to be multiplied by.
    const auto weigh = [&](int tile) {
      const int first_key = tile * kKeyTile;
      if (first_key + kKeyTile > keys || (shape.causal && first_key + kKeyTile - 1 > warp_query)) {
#pragma unroll
        for (int i = 0; i < kScores; ++i) {
          const int key = first_key + i / 4 * 8 + lane % 4 * 2 + i % 2;
          const int row = warp_query + i % 4 / 2 * 8 + lane / 4;
          if (key >= keys || (shape.causal && key > row)) score[i] = -INFINITY;
        }
      }
      float shift[2];
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float most = top[half];
#pragma unroll
        for (int i = 2 * half; i < kScores; i += 4) {
          most = fmaxf(most, fmaxf(score[i], score[i + 1]));
        }
        most = fmaxf(most, __shfl_xor_sync(0xffffffffU, most, 1));
        most = fmaxf(most, __shfl_xor_sync(0xffffffffU, most, 2));
        shift[half] = most == -INFINITY ? 0.0F : most * scale;
        shrink[half] = power_of_2(top[half] * scale - shift[half]);
        top[half] = most;
        sum[half] *= shrink[half];
      }
#pragma unroll
      for (int i = 0; i < kScores; ++i) {
        score[i] = power_of_2(fmaf(score[i], scale, -shift[i % 4 / 2]));
        sum[i % 4 / 2] += score[i];
      }
    };
    const auto pack_weights = [&] {
#pragma unroll
      for (int i = 0; i < kScores; i += 2) {
        weight[i / 8][i % 8 / 2] = pack<T>(score[i], score[i + 1]);
      }
    };
    const auto await_tiles = [&] {
      wait_for_copies<0>();
      publish_to_products();
      __syncthreads();
    };

    await_tiles();
    load_keys(1);
    load_values(0);
    end_copies();
    begin_products();
    multiply_keys(0);
    wait_for_products<0>();
    settle(score);
    weigh(0);
    pack_weights();
    for (int tile = 1; tile < count; ++tile) {
      await_tiles();
      load_keys(tile + 1);
      load_values(tile);
      end_copies();
      begin_products();
      multiply_keys(tile);
      multiply_values(tile - 1);
      wait_for_products<1>();
      settle(score);
      weigh(tile);
      wait_for_products<0>();
      settle(out);
      // The greatest score seldom changes after a few tiles.
      if (__any_sync(0xffffffffU, shrink[0] != 1.0F || shrink[1] != 1.0F)) {
#pragma unroll
        for (int i = 0; i < kOut; ++i) out[i] *= shrink[i % 4 / 2];
      }
      pack_weights();
    }
    await_tiles();
    begin_products();
    multiply_values(count - 1);
    wait_for_products<0>();
    settle(out);

    T* const rows = y + shape.results.offset(batch) + head * Depth + lane % 4 * 2;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float whole = sum[half];
      whole += __shfl_xor_sync(0xffffffffU, whole, 1);
      whole += __shfl_xor_sync(0xffffffffU, whole, 2);
      const float factor = 1.0F / whole;
      const int row = warp_query + half * 8 + lane / 4;
      if (row >= queries) continue;
      T* const to = rows + row * shape.results.pitch();
#pragma unroll
      for (int n = 0; n < Depth / 8; ++n) {
        *reinterpret_cast<std::uint32_t*>(to + n * 8) =
            pack<T>(out[n * 4 + 2 * half] * factor, out[n * 4 + 2 * half + 1] * factor);
      }
    }
  }
}

template <Product P, int Depth, int Groups, typename T>
bool launch_group_tiles(const T* q, const T* k, const T* v, T* y, const AttentionShape& shape,
                        cudaStream_t stream) {
  auto* const kernel = attention_groups_kernel<P, Depth, Groups>;
  constexpr int kBytes = 2 * kGroupStages * GroupLoader<T, Depth, Groups>::kBytes;
  if (!allow_shared(kernel, kBytes)) return false;
  constexpr int kQueries = Groups * 64;
  const dim3 grid(static_cast<unsigned>((shape.queries.tokens + kQueries - 1) / kQueries),
                  static_cast<unsigned>(shape.batches * shape.heads));
  kernel<<<grid, Groups * 128, kBytes, stream>>>(q, k, v, y, shape);
  return true;
}

/// False for depths that it does not serve.
template <Product P, typename T>
bool launch_attention_groups(const T* q, const T* k, const T* v, T* y, const AttentionShape& shape,
                             cudaStream_t stream) {
  return with_depth(shape.depth, [&]<int Depth>() {
    if constexpr (Depth == 80 || Depth == 112) {
      return false;
    } else {
      // Two groups read keys and values half as often, but are half as many blocks.
      if (enough_blocks_of_128(shape)) {
        return launch_group_tiles<P, Depth, 2>(q, k, v, y, shape, stream);
      }
      return launch_group_tiles<P, Depth, 1>(q, k, v, y, shape, stream);
    }
  });
}

}  // namespace metalaudio::nn::cuda
