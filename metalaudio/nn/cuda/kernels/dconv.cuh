#pragma once

#include <metalaudio/nn/cuda/kernels/dconv_warp.cuh>

namespace metalaudio::nn::cuda {

/// What a launch does: all of a row, or the parts between which a row's blocks must meet.
enum class DConvPart { all, convolve, measure, write };

constexpr int kMostDConvWarps = 8;

/// On one processor, as far as their registers allow.
constexpr int dconv_blocks_at_once(Product product, int tiles) {
  const bool halves = product == Product::f16 || product == Product::bf16;
  if (tiles == 1) return halves ? 3 : 2;
  return tiles == 2 && halves ? 2 : 1;
}

template <Product P, int H, int G, DConvPart Part>
__global__ void __launch_bounds__(32 * kMostDConvWarps, dconv_blocks_at_once(P, H))
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
