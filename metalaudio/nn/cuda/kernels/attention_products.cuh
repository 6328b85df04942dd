#pragma once

#include <metalaudio/nn/cuda/kernels/tensor_core.cuh>

namespace metalaudio::nn::cuda {

constexpr int kKeyTile = 64;

/// Elements of 16 bytes.
template <typename T>
constexpr int kChunk = 16 / sizeof(T);

/// Rows of keys or values in shared memory. Their pitch is an odd number of 16-byte chunks, so that
/// eight rows of one chunk touch every bank once; so do four pairs of rows and eight columns of
/// float32.
template <typename T, int Depth>
constexpr int kKeyPitch = Depth + kChunk<T>;

/// The two products of a warp with M · 16 queries and a tile of keys and values.
template <Product P, int Depth, int M>
struct AttentionProducts {
  using T = typename ValueOf<P>::Type;
  static constexpr bool kHalves = sizeof(T) == 2;
  static constexpr bool kSplit = P == Product::f32;
  static constexpr int kStep = kHalves ? 16 : 8;  ///< of the reduction, of one instruction
  static constexpr int kDepthSteps = Depth / kStep;
  static constexpr int kOut = Depth / 8;
  static constexpr int kScores = kKeyTile / 8;
  static constexpr int kPitch = kKeyPitch<T, Depth>;

  using Scores = float[M][kScores][4];
  using Results = float[M][kOut][4];

  static __device__ __forceinline__ void add_scores(Scores& score,
                                                    const std::uint32_t (&query)[M][kDepthSteps][4],
                                                    const T* key_tile) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    float small[kSplit ? M : 1][kSplit ? kScores : 1][4] = {};
#pragma unroll
    for (int step = 0; step < kDepthSteps; ++step) {
      std::uint32_t high[M][4];
      std::uint32_t low[M][4];
      if constexpr (kSplit) {
#pragma unroll
        for (int m = 0; m < M; ++m) {
#pragma unroll
          for (int i = 0; i < 4; ++i) split(query[m][step][i], high[m][i], low[m][i]);
        }
      }
#pragma unroll
      for (int pair = 0; pair < kScores / 2; ++pair) {
        // Matrices: keys 0-7 and one chunk on, keys 8-15 and one chunk on.
        std::uint32_t b[4];
        const int row = pair * 16 + lane % 8 + lane / 16 * 8;
        load_matrices(
            b, shared_address(key_tile + row * kPitch + step * kStep + lane / 8 % 2 * kChunk<T>));
        if constexpr (kSplit) {
          std::uint32_t parts[4][2];
#pragma unroll
          for (int i = 0; i < 4; ++i) split(b[i], parts[i][0], parts[i][1]);
#pragma unroll
          for (int m = 0; m < M; ++m) {
#pragma unroll
            for (int n = 0; n < 2; ++n) {
              multiply_split(score[m][2 * pair + n], small[m][2 * pair + n], high[m], low[m],
                             parts[2 * n], parts[2 * n + 1]);
            }
          }
        } else {
          if constexpr (P == Product::tf32) {
#pragma unroll
            for (int i = 0; i < 4; ++i) b[i] = near_tf32(b[i]);
          }
#pragma unroll
          for (int m = 0; m < M; ++m) {
            multiply<P>(score[m][2 * pair], query[m][step], b[0], b[1]);
            multiply<P>(score[m][2 * pair + 1], query[m][step], b[2], b[3]);
          }
        }
      }
    }
    if constexpr (kSplit) {
#pragma unroll
      for (int m = 0; m < M; ++m) {
#pragma unroll
        for (int n = 0; n < kScores; ++n) {
#pragma unroll
          for (int i = 0; i < 4; ++i) score[m][n][i] += small[m][n][i];
        }
      }
    }
  }

  static __device__ __forceinline__ void add_values(Results& out, Scores& score,
                                                    const T* value_tile) {
    if constexpr (kHalves) {
      add_halves(out, score, value_tile);
    } else if constexpr (kSplit) {
      add_split(out, score, value_tile);
    } else {
      add_tf32(out, score, value_tile);
    }
  }

 private:
  static __device__ __forceinline__ void add_halves(Results& out, const Scores& score,
                                                    const T* value_tile) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
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
          multiply<P>(out[m][2 * pair], weight[m], b[0], b[1]);
          multiply<P>(out[m][2 * pair + 1], weight[m], b[2], b[3]);
        }
      }
    }
  }

  // Of float32, lane l has the scores of keys 2l and 2l + 1, which the product takes as l and l + 4;
  // it reads the values in that order too.

  static __device__ __forceinline__ void add_tf32(Results& out, const Scores& score,
                                                  const T* value_tile) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
    for (int step = 0; step < kScores; ++step) {
      std::uint32_t weight[M][4];
#pragma unroll
      for (int m = 0; m < M; ++m) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          weight[m][i] = near_tf32(__float_as_uint(score[m][step][i % 2 * 2 + i / 2]));
        }
      }
      const T* const values = value_tile + (step * 8 + lane % 4 * 2) * kPitch + lane / 4;
#pragma unroll
      for (int n = 0; n < kOut; ++n) {
        const std::uint32_t even = near_tf32(__float_as_uint(to_float(values[n * 8])));
        const std::uint32_t odd = near_tf32(__float_as_uint(to_float(values[kPitch + n * 8])));
#pragma unroll
        for (int m = 0; m < M; ++m) multiply<P>(out[m][n], weight[m], even, odd);
      }
    }
  }

  /// Every tile of keys is summed by itself, and the tiles on the ordinary units. The scores are
  /// replaced by their upper parts.
  static __device__ __forceinline__ void add_split(Results& out, Scores& score,
                                                   const T* value_tile) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    std::uint32_t low[M][kScores][4];
#pragma unroll
    for (int m = 0; m < M; ++m) {
#pragma unroll
      for (int step = 0; step < kScores; ++step) {
        std::uint32_t high[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          split(__float_as_uint(score[m][step][i % 2 * 2 + i / 2]), high[i], low[m][step][i]);
        }
#pragma unroll
        for (int i = 0; i < 4; ++i) score[m][step][i] = __uint_as_float(high[i]);
      }
    }
#pragma unroll
    for (int n = 0; n < kOut; ++n) {
      float sums[M][4] = {};
      float small[M][4] = {};
      const T* const values = value_tile + lane % 4 * 2 * kPitch + lane / 4 + n * 8;
#pragma unroll
      for (int step = 0; step < kScores; ++step) {
        std::uint32_t even[2];
        std::uint32_t odd[2];
        split(__float_as_uint(values[step * 8 * kPitch]), even[0], even[1]);
        split(__float_as_uint(values[(step * 8 + 1) * kPitch]), odd[0], odd[1]);
#pragma unroll
        for (int m = 0; m < M; ++m) {
          std::uint32_t high[4];
#pragma unroll
          for (int i = 0; i < 4; ++i) high[i] = __float_as_uint(score[m][step][i]);
          multiply_split(sums[m], small[m], high, low[m][step], even, odd);
        }
      }
#pragma unroll
      for (int m = 0; m < M; ++m) {
#pragma unroll
        for (int i = 0; i < 4; ++i) out[m][n][i] += sums[m][i] + small[m][i];
      }
    }
  }
};

}  // namespace metalaudio::nn::cuda
