#pragma once

#include <metalaudio/nn/cuda/kernels/functions.cuh>
#include <metalaudio/nn/cuda/kernels/tensor_core.cuh>

#include <type_traits>

namespace metalaudio::nn::cuda {

/// The products of a DConv with H tiles of 8 hidden channels, as a warp makes them from registers.
template <Product P, int H>
struct DConvProducts {
  using T = typename ValueOf<P>::Type;
  static constexpr bool kHalves = sizeof(T) == 2;
  static constexpr bool kSplit = P == Product::f32;
  static constexpr int kPairs = (H + 1) / 2;
  /// Four channels in a row.
  using Four = std::conditional_t<kHalves, uint2, uint4>;
  /// Words that the hidden values of a lane take in one tile: two values each, or one.
  static constexpr int kWords = kHalves ? 2 : 4;

  /// A value of a word that holds one, or two.
  static __device__ float value_of(std::uint32_t word, int index) {
    return to_float(reinterpret_cast<const T*>(&word)[index]);
  }
  /// The GELU of a float32 as the products take it.
  static __device__ std::uint32_t activated(float x) {
    if constexpr (kSplit) return __float_as_uint(gelu(x));
    return near_tf32(__float_as_uint(quick_gelu(x))) & kTf32Bits;
  }

  /// Adds 16 channels of two positions, at all hidden channels. Float32 takes two products for them:
  /// of every first two of four channels, and of the others.
  static __device__ void add_chunk(float (&values)[H][4], const Four& low, const Four& high,
                                   const Four (&w)[H]) {
    if constexpr (kHalves) {
      const std::uint32_t a[4] = {low.x, high.x, low.y, high.y};
#pragma unroll
      for (int h = 0; h < H; ++h) multiply<P>(values[h], a, w[h].x, w[h].y);
    } else {
      std::uint32_t a[2][4] = {{low.x, high.x, low.y, high.y}, {low.z, high.z, low.w, high.w}};
      std::uint32_t rests[2][4];
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        std::uint32_t& value = a[i / 4][i % 4];
        if constexpr (kSplit) {
          split(value, value, rests[i / 4][i % 4]);
        } else {
          value = near_tf32(value);
        }
      }
#pragma unroll
      for (int h = 0; h < H; ++h) {
        const std::uint32_t b[4] = {w[h].x, w[h].y, w[h].z, w[h].w};
        if constexpr (kSplit) {
          // The tensor cores round towards zero: a chunk is summed by itself.
          float sums[4] = {};
          multiply_parts(sums, a[0], rests[0], b[0], b[1]);
          multiply_parts(sums, a[1], rests[1], b[2], b[3]);
#pragma unroll
          for (int e = 0; e < 4; ++e) values[h][e] += sums[e];
        } else {
          multiply<P>(values[h], a[0], b[0], b[1]);
          multiply<P>(values[h], a[1], b[2], b[3]);
        }
      }
    }
  }

  /// Of a tile of 8 positions by 8 hidden channels: what lies at position lane % 4 and 4 on, of the
  /// channel lane / 4.
  static __device__ void turn(std::uint32_t even, std::uint32_t odd, std::uint32_t (&turned)[2]) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      const int from = (lane % 4 + 4 * j) * 4 + lane / 8;
      const std::uint32_t a = __shfl_sync(0xffffffffU, even, from);
      const std::uint32_t b = __shfl_sync(0xffffffffU, odd, from);
      turned[j] = lane / 4 % 2 == 0 ? a : b;
    }
  }

  /// Adds the products of all hidden channels with each other, at the positions of one step.
  static __device__ void add_gram(float (&gram)[kPairs][H][4],
                                  const std::uint32_t (&turned)[2 * kPairs][2]) {
#pragma unroll
    for (int pair = 0; pair < kPairs; ++pair) {
      std::uint32_t a[4] = {turned[2 * pair][0], turned[2 * pair + 1][0], turned[2 * pair][1],
                            turned[2 * pair + 1][1]};
      if constexpr (kSplit) {
        std::uint32_t rests[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) split(a[i], a[i], rests[i]);
#pragma unroll
        for (int h = 0; h < H; ++h) {
          multiply_parts(gram[pair][h], a, rests, turned[h][0], turned[h][1]);
        }
      } else {
#pragma unroll
        for (int h = 0; h < H; ++h) multiply<P>(gram[pair][h], a, turned[h][0], turned[h][1]);
      }
    }
  }

  /// The second product of one group: both halves of 16 channels.
  template <int Steps>
  static __device__ void multiply_hidden(float (&sums)[2][2][4],
                                         const std::uint32_t (&hidden)[H][kWords],
                                         const uint4 (&w)[Steps][2]) {
#pragma unroll
    for (int step = 0; step < Steps; ++step) {
      std::uint32_t a[4];
      std::uint32_t rests[4];
      if constexpr (kHalves) {
        const bool both = 2 * step + 1 < H;
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          a[i] = hidden[2 * step][i];
          a[2 + i] = both ? hidden[(2 * step + 1) % H][i] : 0U;
        }
      } else {
        // Lane l has channels 2l and 2l + 1, which the product takes as l and l + 4.
#pragma unroll
        for (int i = 0; i < 4; ++i) a[i] = hidden[step][i % 2 * 2 + i / 2];
        if constexpr (kSplit) {
#pragma unroll
          for (int i = 0; i < 4; ++i) split(a[i], a[i], rests[i]);
        }
      }
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const uint4& four = w[step][half];
        if constexpr (kSplit) {
          multiply_parts(sums[half][0], a, rests, four.x, four.y);
          multiply_parts(sums[half][1], a, rests, four.z, four.w);
        } else {
          multiply<P>(sums[half][0], a, four.x, four.y);
          multiply<P>(sums[half][1], a, four.z, four.w);
        }
      }
    }
  }

 private:
  /// One step of a product of float32, of which both factors are split.
  static __device__ void multiply_parts(float (&sums)[4], const std::uint32_t (&high)[4],
                                        const std::uint32_t (&low)[4], std::uint32_t b0,
                                        std::uint32_t b1) {
    std::uint32_t first[2];
    std::uint32_t second[2];
    split(b0, first[0], first[1]);
    split(b1, second[0], second[1]);
    multiply_split(sums, sums, high, low, first, second);
  }
};

}  // namespace metalaudio::nn::cuda
