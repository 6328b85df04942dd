#pragma once

#include <metalaudio/nn/cuda/kernels/dconv.h>
#include <metalaudio/nn/cuda/kernels/functions.cuh>
#include <metalaudio/nn/cuda/kernels/tensor_core.cuh>

namespace metalaudio::nn::cuda {

/// What a launch does: all of a row, or the parts between which a row's blocks must meet.
enum class DConvPart { all, convolve, measure, write };

struct NormOf {
  float mean = 0;
  float deviation = 1;  ///< 1 / sqrt(variance + epsilon)
};

__device__ inline NormOf norm_of(double mean, double variance, float epsilon) {
  return {static_cast<float>(mean), static_cast<float>(1.0 / sqrt(fmax(variance, 0.0) + epsilon))};
}

/// One warp's part of a layer: G groups of 16 positions, H tiles of 8 hidden channels. A lane holds
/// positions lane / 4 and 8 on of each group, and two channels, 2 (lane % 4) and 1 on, of each tile.
template <Product P, int H, int G>
class DConvWarp {
 public:
  using T = typename ValueOf<P>::Type;
  static constexpr int kPairs = (H + 1) / 2;
  /// Chunks of channels that are loaded at once: many where few warps are there to hide the wait.
  static constexpr int kAhead = G > 1 || H < 3 ? 3 : H == 3 ? 6 : 8;
  static constexpr int kWrittenAhead = G > 1 ? 1 : 3;

  __device__ DConvWarp(const DConvShape& shape, const DConvPointers& at, std::int64_t block)
      : shape_(shape), at_(at), lane_(static_cast<int>(threadIdx.x) % 32) {
    const std::int64_t row = block / shape.tiles;
    const int tile = static_cast<int>(block - row * shape.tiles);
    const int warp = static_cast<int>(threadIdx.x) / 32;
    slot_ = (block * shape.warps + warp) * (G * H * 2 * 32) + lane_;
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
    const uint2* weight = static_cast<const uint2*>(at_.weight1) + lane_;
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
        uint2 w[H];
#pragma unroll
        for (int h = 0; h < H; ++h) w[h] = __ldg(weight + h * 32);
        weight += H * 32;
        const bool inside = chunk * 16 + lane_ % 4 * 4 < shape_.channels;
        uint2 from[G][2];
#pragma unroll
        for (int g = 0; g < G; ++g) {
#pragma unroll
          for (int i = 0; i < 2; ++i) {
            from[g][i] = offset[g][i] >= 0 && inside
                             ? *reinterpret_cast<const uint2*>(x + offset[g][i] + chunk * 16)
                             : uint2{0, 0};
          }
        }
#pragma unroll
        for (int g = 0; g < G; ++g) {
          const std::uint32_t a[4] = {from[g][0].x, from[g][1].x, from[g][0].y, from[g][1].y};
#pragma unroll
          for (int h = 0; h < H; ++h) multiply<P>(values_[g][h], a, w[h].x, w[h].y);
        }
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
        to[(g * H + h) * 64] = pack<T>(values_[g][h][0], values_[g][h][1]);
        to[(g * H + h) * 64 + 32] = pack<T>(values_[g][h][2], values_[g][h][3]);
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
        for (int i = 0; i < 2; ++i) {
          const std::uint32_t both = from[(g * H + h) * 64 + i * 32];
          const auto* const two = reinterpret_cast<const T*>(&both);
          values_[g][h][2 * i] = to_float(two[0]);
          values_[g][h][2 * i + 1] = to_float(two[1]);
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
          hidden_[g][h][i] = is_there(g, i) ? pack<T>(quick_gelu(a), quick_gelu(b)) : 0U;
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
          const auto* const two = reinterpret_cast<const T*>(&hidden_[g][h][i]);
          sum += once.x * to_float(two[0]) + once.y * to_float(two[1]);
          squares += twice.x * to_float(two[0]) + twice.y * to_float(two[1]);
        }
      }
    }
    float gram[kPairs][H][4] = {};
#pragma unroll
    for (int g = 0; g < G; ++g) {
      std::uint32_t turned[2 * kPairs][2] = {};
#pragma unroll
      for (int h = 0; h < H; ++h) {
        turned[h][0] = transposed(hidden_[g][h][0]);
        turned[h][1] = transposed(hidden_[g][h][1]);
      }
#pragma unroll
      for (int pair = 0; pair < kPairs; ++pair) {
        const std::uint32_t a[4] = {turned[2 * pair][0], turned[2 * pair + 1][0],
                                    turned[2 * pair][1], turned[2 * pair + 1][1]};
#pragma unroll
        for (int h = 0; h < H; ++h) multiply<P>(gram[pair][h], a, turned[h][0], turned[h][1]);
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
    const uint4* weight = static_cast<const uint4*>(at_.weight2) + first * kPairs * 64 + lane_;
#pragma unroll kWrittenAhead
    for (int chunk = first; chunk < end; ++chunk) {
      const bool inside = chunk * 16 + lane_ % 4 * 4 < shape_.channels;
      uint2 residual[G][2];
#pragma unroll
      for (int g = 0; g < G; ++g) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          residual[g][i] = inside && is_there(g, i)
                               ? *reinterpret_cast<const uint2*>(x + offset(g, i) + chunk * 16)
                               : uint2{0, 0};
        }
      }
      uint4 w[kPairs][2];
#pragma unroll
      for (int pair = 0; pair < kPairs; ++pair) {
        w[pair][0] = __ldg(weight);
        w[pair][1] = __ldg(weight + 32);
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
#pragma unroll
        for (int pair = 0; pair < kPairs; ++pair) {
          const bool both = 2 * pair + 1 < H;
          const std::uint32_t a[4] = {hidden_[g][2 * pair][0], hidden_[g][2 * pair][1],
                                      both ? hidden_[g][(2 * pair + 1) % H][0] : 0U,
                                      both ? hidden_[g][(2 * pair + 1) % H][1] : 0U};
#pragma unroll
          for (int half = 0; half < 2; ++half) {
            multiply<P>(sums[half][0], a, w[pair][half].x, w[pair][half].y);
            multiply<P>(sums[half][1], a, w[pair][half].z, w[pair][half].w);
          }
        }
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
            *reinterpret_cast<uint2*>(y + offset(g, i) + chunk * 16) = {pack<T>(out[0], out[1]),
                                                                        pack<T>(out[2], out[3])};
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
  std::uint32_t hidden_[G][H][2];
};

/// Of a row, from what its tiles left.
__device__ inline NormOf hidden_norm(const DConvShape& shape, const DConvMoments* moments,
                                     double* shared) {
  const int of_tile = shape.warps * shape.groups * 16;
  const auto count = [&](int tile) {
    return static_cast<double>(min(of_tile, shape.positions - tile * of_tile)) * shape.hidden;
  };
  const double all = static_cast<double>(shape.positions) * shape.hidden;
  double sum = 0;
  const int step = static_cast<int>(blockDim.x);
  for (int i = static_cast<int>(threadIdx.x); i < shape.tiles; i += step) {
    sum += count(i) * moments[i].first;
  }
  const double mean = block_sum(sum, shared) / all;
  double squares = 0;
  for (int i = static_cast<int>(threadIdx.x); i < shape.tiles; i += step) {
    const double apart = moments[i].first - mean;
    squares += moments[i].squares + count(i) * apart * apart;
  }
  return norm_of(mean, block_sum(squares, shared) / all, shape.epsilon1);
}

__device__ inline NormOf product_norm(const DConvShape& shape, double sum, double squares) {
  const double all = 2.0 * shape.positions * shape.channels;
  const double mean = sum / all;
  return norm_of(mean, squares / all - mean * mean, shape.epsilon2);
}
__device__ inline NormOf product_norm(const DConvShape& shape, const DConvMoments* moments,
                                      double* shared) {
  double sum = 0;
  double squares = 0;
  for (int i = static_cast<int>(threadIdx.x); i < shape.tiles; i += static_cast<int>(blockDim.x)) {
    sum += moments[i].first;
    squares += moments[i].squares;
  }
  sum = block_sum(sum, shared);
  return product_norm(shape, sum, block_sum(squares, shared));
}

constexpr int kMostDConvWarps = 8;

template <Product P, int H, int G, DConvPart Part>
__global__ void __launch_bounds__(32 * kMostDConvWarps, H == 1   ? 3
                                                        : H == 2 ? 2
                                                                 : 1)
    dconv_kernel(__grid_constant__ const DConvShape shape,
                 __grid_constant__ const DConvPointers at) {
  extern __shared__ __align__(16) float scales[];
  __shared__ double shared[32];
  auto* const shared_floats = reinterpret_cast<float*>(shared);
  const std::int64_t block = blockIdx.x;
  const std::int64_t first_tile = block / shape.tiles * shape.tiles;
  DConvWarp<P, H, G> warp(shape, at, block);
  NormOf norm;
  if constexpr (Part == DConvPart::all || Part == DConvPart::convolve) {
    warp.convolve();
    const DConvMoments moments = warp.hidden_moments(shared_floats);
    if constexpr (Part == DConvPart::convolve) {
      warp.store_hidden();
      if (threadIdx.x == 0) at.moments1[block] = moments;
      return;
    }
    const double count = static_cast<double>(shape.positions) * shape.hidden;
    norm = norm_of(moments.first, moments.squares / count, shape.epsilon1);
  } else {
    warp.load_hidden();
    norm = hidden_norm(shape, at.moments1 + first_tile, shared);
  }
  warp.activate_hidden(norm);
  if constexpr (Part == DConvPart::write) {
    norm = product_norm(shape, at.moments2 + first_tile, shared);
  } else {
    const DConvMoments moments = warp.product_moments(shared_floats);
    if constexpr (Part == DConvPart::measure) {
      if (threadIdx.x == 0) at.moments2[block] = moments;
      return;
    }
    norm = product_norm(shape, moments.first, moments.squares);
  }
  warp.scale_channels(norm, scales);
  __syncthreads();
  warp.write(scales);
}

template <Product P>
void launch_dconv_product(const DConvShape& shape, const DConvPointers& at, cudaStream_t stream) {
  const auto launch = [&](auto* kernel, bool writes, int shares) {
    const std::size_t bytes =
        writes ? static_cast<std::size_t>(4 * 16 * channel_chunks(shape.channels)) * sizeof(float)
               : 0;
    const dim3 grid(static_cast<unsigned>(shape.rows * shape.tiles), static_cast<unsigned>(shares));
    kernel<<<grid, static_cast<unsigned>(32 * shape.warps), bytes, stream>>>(shape, at);
  };
  const auto layer = [&]<int H, int G>() {
    if (shape.tiles == 1) {
      launch(dconv_kernel<P, H, G, DConvPart::all>, true, 1);
    } else {
      launch(dconv_kernel<P, H, G, DConvPart::convolve>, false, 1);
      launch(dconv_kernel<P, H, G, DConvPart::measure>, false, 1);
      // Few warps each wait long for many channels.
      const int shares = G > 1 ? 1 : (channel_chunks(shape.channels) + 5) / 6;
      launch(dconv_kernel<P, H, G, DConvPart::write>, true, shares);
    }
  };
  const auto grouped = [&]<int H>() {
    shape.groups == 1 ? layer.template operator()<H, 1>() : layer.template operator()<H, 3>();
  };
  switch (hidden_tiles(shape.hidden)) {
    case 1:
      return grouped.template operator()<1>();
    case 2:
      return grouped.template operator()<2>();
    case 3:
      return grouped.template operator()<3>();
    default:
      return grouped.template operator()<6>();
  }
}

}  // namespace metalaudio::nn::cuda
