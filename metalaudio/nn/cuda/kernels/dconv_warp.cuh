#pragma once

#include <metalaudio/nn/cuda/kernels/dconv_norms.cuh>
#include <metalaudio/nn/cuda/kernels/dconv_products.cuh>

namespace metalaudio::nn::cuda {

/// One warp's part of a layer: G groups of 16 positions, H tiles of 8 hidden channels. A lane holds
/// positions lane / 4 and 8 on of each group, and two channels, 2 (lane % 4) and 1 on, of each tile.
template <Product P, int H, int G>
class DConvWarp {
 public:
  using Products = DConvProducts<P, H>;
  using T = typename Products::T;
  using Four = typename Products::Four;
  static constexpr bool kHalves = Products::kHalves;
  static constexpr int kPairs = Products::kPairs;
  static constexpr int kWords = Products::kWords;
  /// Chunks of channels that are loaded at once: many where few warps are there to hide the wait.
  static constexpr int kAhead = kHalves ? (G > 1 || H < 3 ? 3 : H == 3 ? 6 : 8) : G > 1 ? 1 : 3;
  static constexpr int kWrittenAhead = G > 1 ? 1 : kHalves ? 3 : 2;
  __device__ DConvWarp(const DConvShape& shape, const DConvPointers& at, std::int64_t block)
      : shape_(shape), at_(at), lane_(static_cast<int>(threadIdx.x) % 32) {
    const std::int64_t row = block / shape.tiles;
    const int tile = static_cast<int>(block - row * shape.tiles);
    const int warp = static_cast<int>(threadIdx.x) / 32;
    slot_ = (block * shape.warps + warp) * (G * H * kWords * 32) + lane_;
    first_ = (tile * shape.warps + warp) * G * 16 + lane_ / 4;
    const int of_block = shape.warps * G * 16;
    block_positions_ = min(of_block, shape.positions - tile * of_block);
    origin_ = row * shape.positions * shape.channels + lane_ % 4 * 4;
  }

  __device__ int block_positions() const { return block_positions_; }

  /// The hidden values of the first product, with its bias.
  __device__ void convolve() {
#pragma unroll
    for (int h = 0; h < H; ++h) {
      const float2 bias = term(0, h);
#pragma unroll
      for (int g = 0; g < G; ++g) {
        values_[g][h][0] = values_[g][h][2] = bias.x;
        values_[g][h][1] = values_[g][h][3] = bias.y;
      }
    }
    const int chunks = channel_chunks(shape_.channels);
    const T* const x = static_cast<const T*>(at_.x) + origin_;
    const Four* weight = static_cast<const Four*>(at_.weight1) + lane_;
    for (int tap = 0; tap < 3; ++tap) {
      int offset[G][2];
#pragma unroll
      for (int g = 0; g < G; ++g) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const int position = first_ + g * 16 + i * 8 + (tap - 1) * shape_.dilation;
          const bool there =
              static_cast<unsigned>(position) < static_cast<unsigned>(shape_.positions);
          offset[g][i] = there ? position * shape_.channels : -1;
        }
      }
#pragma unroll kAhead
      for (int chunk = 0; chunk < chunks; ++chunk) {
        Four w[H];
#pragma unroll
        for (int h = 0; h < H; ++h) w[h] = __ldg(weight + h * 32);
        weight += H * 32;
        const bool inside = chunk * 16 + lane_ % 4 * 4 < shape_.channels;
        Four from[G][2];
#pragma unroll
        for (int g = 0; g < G; ++g) {
#pragma unroll
          for (int i = 0; i < 2; ++i) {
            from[g][i] = offset[g][i] >= 0 && inside
                             ? *reinterpret_cast<const Four*>(x + offset[g][i] + chunk * 16)
                             : Four{};
          }
        }
#pragma unroll
        for (int g = 0; g < G; ++g) Products::add_chunk(values_[g], from[g][0], from[g][1], w);
      }
    }
  }

  /// The moments of the block's hidden values.
  __device__ DConvMoments hidden_moments(float* shared) const {
    float sum = 0;
    over_values([&](float value) { sum += value; });
    const float count = static_cast<float>(block_positions_) * static_cast<float>(shape_.hidden);
    const float mean = block_sum(sum, shared) / count;
    float squares = 0;
    over_values([&](float value) { squares += (value - mean) * (value - mean); });
    return {mean, block_sum(squares, shared)};
  }

  __device__ void store_hidden() const {
    auto* const to = static_cast<std::uint32_t*>(at_.hidden) + slot_;
#pragma unroll
    for (int g = 0; g < G; ++g) {
#pragma unroll
      for (int h = 0; h < H; ++h) {
        const float(&values)[4] = values_[g][h];
#pragma unroll
        for (int i = 0; i < kWords; ++i) {
          std::uint32_t& word = to[((g * H + h) * kWords + i) * 32];
          if constexpr (kHalves) {
            word = pack<T>(values[2 * i], values[2 * i + 1]);
          } else {
            word = __float_as_uint(values[i]);
          }
        }
      }
    }
  }
  __device__ void load_hidden() {
    const auto* const from = static_cast<const std::uint32_t*>(at_.hidden) + slot_;
#pragma unroll
    for (int g = 0; g < G; ++g) {
#pragma unroll
      for (int h = 0; h < H; ++h) {
#pragma unroll
        for (int i = 0; i < kWords; ++i) {
          const std::uint32_t word = from[((g * H + h) * kWords + i) * 32];
          if constexpr (kHalves) {
            values_[g][h][2 * i] = Products::value_of(word, 0);
            values_[g][h][2 * i + 1] = Products::value_of(word, 1);
          } else {
            values_[g][h][i] = __uint_as_float(word);
          }
        }
      }
    }
  }

  /// Normalises the hidden values and rounds their GELU. What is not there becomes 0.
  __device__ void activate_hidden(const NormOf& norm) {
#pragma unroll
    for (int h = 0; h < H; ++h) {
      const float2 gamma = term(1, h);
      const float2 beta = term(2, h);
#pragma unroll
      for (int g = 0; g < G; ++g) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const float a = (values_[g][h][2 * i] - norm.mean) * norm.deviation * gamma.x + beta.x;
          const float b =
              (values_[g][h][2 * i + 1] - norm.mean) * norm.deviation * gamma.y + beta.y;
          const bool there = is_there(g, i);
          if constexpr (kHalves) {
            hidden_[g][h][i] = there ? pack<T>(quick_gelu(a), quick_gelu(b)) : 0U;
          } else {
            hidden_[g][h][2 * i] = there ? Products::activated(a) : 0U;
            hidden_[g][h][2 * i + 1] = there ? Products::activated(b) : 0U;
          }
        }
      }
    }
  }

  /// The sum and the sum of squares of the block's values of the second product, its mean bias left
  /// out.
  __device__ DConvMoments product_moments(float* shared) const {
    float sum = 0;
    float squares = 0;
#pragma unroll
    for (int h = 0; h < H; ++h) {
      const float2 once = term(3, h);
      const float2 twice = term(4, h);
#pragma unroll
      for (int g = 0; g < G; ++g) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const float first = hidden_value(g, h, i, 0);
          const float second = hidden_value(g, h, i, 1);
          sum += once.x * first + once.y * second;
          squares += twice.x * first + twice.y * second;
        }
      }
    }
    float gram[kPairs][H][4] = {};
#pragma unroll
    for (int g = 0; g < G; ++g) {
      if constexpr (kHalves) {
        std::uint32_t turned[2 * kPairs][2] = {};
#pragma unroll
        for (int h = 0; h < H; ++h) {
          turned[h][0] = transposed(hidden_[g][h][0]);
          turned[h][1] = transposed(hidden_[g][h][1]);
        }
        Products::add_gram(gram, turned);
      } else {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          std::uint32_t turned[2 * kPairs][2] = {};
#pragma unroll
          for (int h = 0; h < H; ++h)
            Products::turn(hidden_[g][h][2 * i], hidden_[g][h][2 * i + 1], turned[h]);
          Products::add_gram(gram, turned);
        }
      }
    }
    const auto* const weight = reinterpret_cast<const float4*>(at_.gram) + lane_;
#pragma unroll
    for (int pair = 0; pair < kPairs; ++pair) {
#pragma unroll
      for (int h = 0; h < H; ++h) {
        const float4 w = __ldg(weight + (pair * H + h) * 32);
        const float(&sums)[4] = gram[pair][h];
        squares += w.x * sums[0] + w.y * sums[1] + w.z * sums[2] + w.w * sums[3];
      }
    }
    sum = block_sum(sum, shared);
    return {sum, block_sum(squares, shared) +
                     static_cast<float>(block_positions_) * shape_.bias_squares};
  }

  /// For each channel, what turns the two halves of the second product into gain · a and -b / ln 2:
  /// four arrays of factors and summands, to shared memory.
  __device__ void scale_channels(const NormOf& norm, float* scales) const {
    const int channels = channel_chunks(shape_.channels) * 16;
    const int end = end_chunk() * 16;
    for (int c = first_chunk() * 16 + static_cast<int>(threadIdx.x); c < end;
         c += static_cast<int>(blockDim.x)) {
      const auto of = [&](int index) { return __ldg(at_.scales + index * channels + c); };
      const float gain = of(6);
      constexpr float kLog2E = -1.4426950408889634F;
      const float a = norm.deviation * of(2);
      const float b = norm.deviation * of(3);
      scales[c] = a * gain;
      scales[channels + c] = ((of(0) - norm.mean) * a + of(4)) * gain;
      scales[2 * channels + c] = b * kLog2E;
      scales[3 * channels + c] = ((of(1) - norm.mean) * b + of(5)) * kLog2E;
    }
  }

  __device__ void write(const float* scales) const {
    const int channels = channel_chunks(shape_.channels) * 16;
    const T* const x = static_cast<const T*>(at_.x) + origin_;
    T* const y = static_cast<T*>(at_.y) + origin_;
    const int first = first_chunk();
    const int end = end_chunk();
    constexpr int kSteps = kHalves ? kPairs : H;
    const uint4* weight = static_cast<const uint4*>(at_.weight2) + first * kSteps * 64 + lane_;
#pragma unroll kWrittenAhead
    for (int chunk = first; chunk < end; ++chunk) {
      const bool inside = chunk * 16 + lane_ % 4 * 4 < shape_.channels;
      Four residual[G][2];
#pragma unroll
      for (int g = 0; g < G; ++g) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          residual[g][i] = inside && is_there(g, i)
                               ? *reinterpret_cast<const Four*>(x + offset(g, i) + chunk * 16)
                               : Four{};
        }
      }
      uint4 w[kSteps][2];
#pragma unroll
      for (int step = 0; step < kSteps; ++step) {
        w[step][0] = __ldg(weight);
        w[step][1] = __ldg(weight + 32);
        weight += 64;
      }
      float scale[4][4];
#pragma unroll
      for (int s = 0; s < 4; ++s) {
        const float4 four =
            *reinterpret_cast<const float4*>(scales + s * channels + chunk * 16 + lane_ % 4 * 4);
        scale[s][0] = four.x;
        scale[s][1] = four.y;
        scale[s][2] = four.z;
        scale[s][3] = four.w;
      }
#pragma unroll
      for (int g = 0; g < G; ++g) {
        float sums[2][2][4] = {};
        Products::multiply_hidden(sums, hidden_[g], w);
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const auto* const added = reinterpret_cast<const T*>(&residual[g][i]);
          float out[4];
#pragma unroll
          for (int e = 0; e < 4; ++e) {
            const float a = sums[0][e / 2][2 * i + e % 2] * scale[0][e] + scale[1][e];
            const float b = sums[1][e / 2][2 * i + e % 2] * scale[2][e] + scale[3][e];
            out[e] = to_float(added[e]) + __fdividef(a, 1.0F + power_of_2(b));
          }
          if (inside && is_there(g, i)) {
            Vector<T, 4> four;
#pragma unroll
            for (int e = 0; e < 4; ++e) four.at[e] = from_float<T>(out[e]);
            *reinterpret_cast<Vector<T, 4>*>(y + offset(g, i) + chunk * 16) = four;
          }
        }
      }
    }
  }

 private:
  // The blocks along y share the channels that are written.
  __device__ int first_chunk() const {
    return static_cast<int>(blockIdx.y) * channel_chunks(shape_.channels) /
           static_cast<int>(gridDim.y);
  }
  __device__ int end_chunk() const {
    return (static_cast<int>(blockIdx.y) + 1) * channel_chunks(shape_.channels) /
           static_cast<int>(gridDim.y);
  }
  __device__ bool is_there(int g, int i) const {
    return first_ + g * 16 + i * 8 < shape_.positions;
  }
  __device__ int offset(int g, int i) const { return (first_ + g * 16 + i * 8) * shape_.channels; }
  __device__ float2 term(int index, int h) const {
    return __ldg(reinterpret_cast<const float2*>(at_.terms + (index * H + h) * 8) + lane_ % 4);
  }
  __device__ float hidden_value(int g, int h, int i, int index) const {
    if constexpr (kHalves) {
      return Products::value_of(hidden_[g][h][i], index);
    } else {
      return Products::value_of(hidden_[g][h][2 * i + index], 0);
    }
  }
  template <typename F>
  __device__ void over_values(F&& f) const {
#pragma unroll
    for (int h = 0; h < H; ++h) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        if (h * 8 + lane_ % 4 * 2 + e % 2 >= shape_.hidden) continue;
#pragma unroll
        for (int g = 0; g < G; ++g) {
          if (is_there(g, e / 2)) f(values_[g][h][e]);
        }
      }
    }
  }

  const DConvShape& shape_;
  const DConvPointers& at_;
  int lane_;
  int first_;  ///< position
  int block_positions_;
  std::int64_t slot_;
  std::int64_t origin_;
  float values_[G][H][4];
  std::uint32_t hidden_[G][H][kWords];
};

}  // namespace metalaudio::nn::cuda
