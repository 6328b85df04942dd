#pragma once

#include <metalaudio/nn/cuda/kernels/conv_multiply.cuh>
#include <metalaudio/nn/cuda/kernels/functions.cuh>

namespace metalaudio::nn::cuda {

/// The norm behind a product.
struct Scaling {
  float mean = 0;
  float deviation = 1;  ///< 1 / sqrt(variance + epsilon)

  __device__ float operator()(float value, const ConvPointers& at, int channel) const {
    const float normal = (value - mean) * deviation;
    const float scaled = at.gamma != nullptr ? normal * at.gamma[channel] : normal;
    return at.beta != nullptr ? scaled + at.beta[channel] : scaled;
  }
};

/// The values of a tile, as they count: its rows and columns that are there.
template <int Columns>
struct TileExtent {
  int rows;
  int columns;

  __device__ TileExtent(const ConvShape& shape, int tile_row, int tile_column)
      : rows(min(kTileRows, shape.x0 * shape.x1 - tile_row * kTileRows)),
        columns(min(Columns, shape.columns - tile_column * Columns)) {}
  __device__ float count() const { return static_cast<float>(rows * columns); }
};

template <int Columns>
__device__ void measure_tile(const ConvShape& shape, const ConvPointers& at,
                             const TileExtent<Columns>& extent, int first_column, const float* sums,
                             TileMoments* to, float* shared) {
  const bool glu = shape.activation == Activation::glu;
  // A thread stays in four columns and walks down the rows.
  constexpr int kAcross = Columns / 4;
  constexpr int kDown = kConvThreads / kAcross;
  const int column = static_cast<int>(threadIdx.x) % kAcross * 4;
  const int first = static_cast<int>(threadIdx.x) / kAcross;
  float bias[4];
  bool there[4];
#pragma unroll
  for (int w = 0; w < 4; ++w) {
    const int c = first_column + column + w;
    there[w] = column + w < extent.columns && first < kDown;
    bias[w] = there[w] && at.bias != nullptr
                  ? at.bias[glu ? c / 2 + c % 2 * shape.out_channels : c % shape.out_channels]
                  : 0.0F;
  }
  const auto over_values = [&](auto&& body) {
    for (int row = first; row < extent.rows; row += kDown) {
      const float4 v = *reinterpret_cast<const float4*>(sums + row * kSumPitch<Columns> + column);
      if (there[0]) body(v.x + bias[0]);
      if (there[1]) body(v.y + bias[1]);
      if (there[2]) body(v.z + bias[2]);
      if (there[3]) body(v.w + bias[3]);
    }
  };
  float sum = 0;
  over_values([&](float value) { sum += value; });
  const float mean = block_sum(sum, shared) / extent.count();
  float squares = 0;
  over_values([&](float value) { squares += (value - mean) * (value - mean); });
  squares = block_sum(squares, shared);
  if (threadIdx.x == 0) *to = {mean, squares};
}

/// The moments of all tiles of a batch together.
template <int Columns>
__device__ Scaling scaling_of(const ConvShape& shape, const TileMoments* moments, int across,
                              double* shared) {
  const int tiles = shape.tiles_per_batch * across;
  double sum = 0;
  for (int i = static_cast<int>(threadIdx.x); i < tiles; i += kConvThreads) {
    const TileExtent<Columns> extent(shape, i / across, i % across);
    sum += static_cast<double>(extent.count()) * moments[i].mean;
  }
  const double count =
      static_cast<double>(shape.x0) * shape.x1 * static_cast<double>(shape.columns);
  const double mean = block_sum(sum, shared) / count;
  double squares = 0;
  for (int i = static_cast<int>(threadIdx.x); i < tiles; i += kConvThreads) {
    const TileExtent<Columns> extent(shape, i / across, i % across);
    const double deviation = moments[i].mean - mean;
    squares += moments[i].squares + static_cast<double>(extent.count()) * deviation * deviation;
  }
  const double variance = block_sum(squares, shared) / count;
  return {static_cast<float>(mean), static_cast<float>(1.0 / sqrt(variance + shape.epsilon))};
}

/// N numbers side by side; where N is a multiple of 4 they are aligned.
template <int N>
__device__ __forceinline__ void read_numbers(const float* from, float (&to)[N]) {
  if constexpr (N % 4 == 0) {
#pragma unroll
    for (int i = 0; i < N; i += 4) {
      const float4 four = *reinterpret_cast<const float4*>(from + i);
      to[i] = four.x;
      to[i + 1] = four.y;
      to[i + 2] = four.z;
      to[i + 3] = four.w;
    }
  } else {
#pragma unroll
    for (int i = 0; i < N; ++i) to[i] = from[i];
  }
}

template <typename T, int W>
__device__ __forceinline__ void write_numbers(T* to, const float (&values)[W]) {
  constexpr int kAtOnce = W * sizeof(T) > 16 ? 16 / sizeof(T) : W;
#pragma unroll
  for (int i = 0; i < W; i += kAtOnce) {
    Vector<T, kAtOnce> out;
#pragma unroll
    for (int w = 0; w < kAtOnce; ++w) out.at[w] = from_float<T>(values[i + w]);
    *reinterpret_cast<Vector<T, kAtOnce>*>(to + i) = out;
  }
}

/// Adds the bias and normalises, where there are such, W values from `channel` on.
template <int W>
__device__ __forceinline__ void scale_values(float (&values)[W], const ConvPointers& at,
                                             const Scaling& scaling, int channel) {
  if (at.bias != nullptr) {
    float bias[W];
    read_numbers(at.bias + channel, bias);
#pragma unroll
    for (int w = 0; w < W; ++w) values[w] += bias[w];
  }
  if (at.moments != nullptr) {
#pragma unroll
    for (int w = 0; w < W; ++w) values[w] = scaling(values[w], at, channel + w);
  }
}

template <Product P>
__device__ __forceinline__ float activate_as(Activation activation, float x) {
  if constexpr (P != Product::f32) {
    if (activation == Activation::gelu) return quick_gelu(x);
  }
  return activate(activation, x);
}
template <Product P>
__device__ __forceinline__ float sigmoid_as(float x) {
  if constexpr (P != Product::f32) return quick_sigmoid(x);
  return sigmoid(x);
}

/// Writes a tile of sums with all that follows the product. W outputs are written at once.
template <Product P, int Columns, int W>
__device__ void write_tile(const ConvShape& shape, const ConvPointers& at, std::int64_t first_row,
                           std::int64_t end_row, int first_column, const Scaling& scaling,
                           const float* sums, RowPlace* places) {
  using T = typename ValueOf<P>::Type;
  const bool glu = shape.activation == Activation::glu;
  for (int i = static_cast<int>(threadIdx.x); i < kTileRows; i += kConvThreads) {
    const std::int64_t row = first_row + i;
    const RowOf place(shape, row);
    places[i] = {row < end_row ? place.batch : -1, place.x0 * shape.scale0 + shape.shift0,
                 place.x1 * shape.scale1 + shape.shift1};
  }
  __syncthreads();
  const int vectors = (glu ? Columns / 2 : Columns) / W;
  const int most = glu ? shape.columns / 2 : shape.columns;
  const int base = glu ? first_column / 2 : first_column;
  const auto* const residual = static_cast<const T*>(at.residual);
  // Row and vector go on by the same steps for every thread.
  const int row_step = kConvThreads / vectors;
  const int vector_step = kConvThreads - row_step * vectors;
  int row = static_cast<int>(threadIdx.x) / vectors;
  int vector = static_cast<int>(threadIdx.x) - row * vectors;
  for (; row < kTileRows; row += row_step, vector += vector_step) {
    if (vector >= vectors) {
      vector -= vectors;
      if (++row >= kTileRows) break;
    }
    const int local = vector * W;
    const int column = base + local;
    const RowPlace place = places[row];
    if (place.batch < 0 || column >= most) continue;
    int channel = column;
    int at0 = place.at0;
    int at1 = place.at1;
    if (most != shape.out_channels) {
      const int phase = column / shape.out_channels;
      channel -= phase * shape.out_channels;
      const int phase0 = phase / shape.phases1;
      at0 += phase0;
      at1 += phase - phase0 * shape.phases1;
    }
    if (static_cast<unsigned>(at0) >= static_cast<unsigned>(shape.out0) ||
        static_cast<unsigned>(at1) >= static_cast<unsigned>(shape.out1)) {
      continue;
    }
    Vector<T, W> added;
    if (residual != nullptr) {
      added = *reinterpret_cast<const Vector<T, W>*>(residual + place.batch * shape.residual_batch +
                                                     at0 * shape.residual0 + at1 * shape.residual1 +
                                                     channel);
    }
    const float* const from = sums + row * kSumPitch<Columns> + (glu ? 2 * local : local);
    float values[W];
    if (glu) {
      float both[2 * W];
      read_numbers(from, both);
      float gates[W];
#pragma unroll
      for (int w = 0; w < W; ++w) {
        values[w] = both[2 * w];
        gates[w] = both[2 * w + 1];
      }
      scale_values(values, at, scaling, channel);
      scale_values(gates, at, scaling, shape.out_channels + channel);
#pragma unroll
      for (int w = 0; w < W; ++w) values[w] *= sigmoid_as<P>(gates[w]);
    } else {
      read_numbers(from, values);
      scale_values(values, at, scaling, channel);
#pragma unroll
      for (int w = 0; w < W; ++w) values[w] = activate_as<P>(shape.activation, values[w]);
    }
    if (at.gain != nullptr) {
      float gain[W];
      read_numbers(at.gain + channel, gain);
#pragma unroll
      for (int w = 0; w < W; ++w) values[w] *= gain[w];
    }
    if (residual != nullptr) {
#pragma unroll
      for (int w = 0; w < W; ++w) values[w] += to_float(added.at[w]);
    }
    const std::int64_t to =
        ((place.batch * shape.out0 + at0) * shape.out1 + at1) * shape.out_channels + channel;
    if (shape.wide) {
      write_numbers<float>(static_cast<float*>(at.y) + to, values);
    } else {
      write_numbers<T>(static_cast<T*>(at.y) + to, values);
    }
  }
}

/// On one processor, as far as their registers allow.
constexpr int blocks_at_once(Product product, int columns) {
  if (product == Product::f32) return columns <= 96 ? 2 : 1;
  return columns <= 64 ? 3 : 2;
}

template <Product P, int Columns, int VectorBytes>
__global__ void __launch_bounds__(kConvThreads, blocks_at_once(P, Columns))
    conv_kernel(__grid_constant__ const ConvShape shape, __grid_constant__ const ConvPointers at) {
  extern __shared__ __align__(128) char memory[];
  using T = typename ValueOf<P>::Type;
  auto* const places = reinterpret_cast<RowPlace*>(memory);
  char* tiles = memory + kTileRows * sizeof(RowPlace);
  tiles += -shared_address(tiles) % kTileAlignment;
  char* const low = tiles;
  if constexpr (kWarpGroups) tiles += low_bytes(P, Columns);
  // Tiles of the same rows run side by side, so that the second finds its input in the cache.
  const int across = (shape.columns + Columns - 1) / Columns;
  const int down = static_cast<int>(blockIdx.x) / across;
  const int first_column = (static_cast<int>(blockIdx.x) - down * across) * Columns;
  std::int64_t first_row = static_cast<std::int64_t>(down) * kTileRows;
  std::int64_t end_row = shape.rows();
  const int batch = shape.tiles_per_batch > 0 ? down / shape.tiles_per_batch : 0;
  const int tile_row = down - batch * shape.tiles_per_batch;
  if (shape.tiles_per_batch > 0) {
    const std::int64_t rows = static_cast<std::int64_t>(shape.x0) * shape.x1;
    first_row = batch * rows + static_cast<std::int64_t>(tile_row) * kTileRows;
    end_row = (batch + 1) * rows;
  }
  Loader<T, Columns, VectorBytes> loads(shape, at, first_row, end_row, first_column, tiles);
  if constexpr (kWarpGroups && sizeof(T) == 4) {
    multiply_floats_in_groups<P, Columns>(loads, tiles, low);
  } else if constexpr (kWarpGroups) {
    multiply_tile_in_groups<P, Columns>(loads, tiles);
  } else if constexpr (P == Product::f32) {
    multiply_tile_f32<Columns>(loads, tiles);
  } else {
    multiply_tile<P, Columns>(loads, tiles);
  }
  const auto* const sums = reinterpret_cast<const float*>(tiles);
  __shared__ double shared[32];
  if (at.tile_moments != nullptr) {
    const TileExtent<Columns> extent(shape, tile_row, first_column / Columns);
    measure_tile<Columns>(shape, at, extent, first_column, sums, at.tile_moments + blockIdx.x,
                          reinterpret_cast<float*>(shared));
    if (at.y == nullptr) return;
  }
  Scaling scaling;
  if (at.moments != nullptr) {
    scaling = scaling_of<Columns>(
        shape, at.moments + static_cast<std::int64_t>(batch) * shape.tiles_per_batch * across,
        across, shared);
  }
  constexpr int kWide = 16 / sizeof(T);
  if (shape.out_channels % kWide == 0) {
    write_tile<P, Columns, kWide>(shape, at, first_row, end_row, first_column, scaling, sums,
                                  places);
  } else if (shape.out_channels % 4 == 0) {
    write_tile<P, Columns, 4>(shape, at, first_row, end_row, first_column, scaling, sums, places);
  } else {
    write_tile<P, Columns, 1>(shape, at, first_row, end_row, first_column, scaling, sums, places);
  }
}

template <Product P, int Columns, int VectorBytes>
void launch_tile(const ConvShape& shape, const ConvPointers& at, cudaStream_t stream) {
  auto* const kernel = conv_kernel<P, Columns, VectorBytes>;
  const auto bytes = [&](int stages) {
    return conv_shared_bytes(P, Columns, stages, shape.limits);
  };
  // Always the most: another thread may be about to launch a deeper reduction.
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes(kStages));
  const std::int64_t across = (shape.columns + Columns - 1) / Columns;
  const std::int64_t down = shape.tiles_per_batch > 0 ? shape.batch * shape.tiles_per_batch
                                                      : (shape.rows() + kTileRows - 1) / kTileRows;
  const auto grid = static_cast<unsigned>(down * across);
  const int stages = (shape.depth * VectorBytes + kStageBytes - 1) / kStageBytes;
  kernel<<<grid, kConvThreads, bytes(stages), stream>>>(shape, at);
}

/// The widths of tiles; every one is a multiple of 16.
template <Product P>
void launch_product(const ConvShape& shape, const ConvPointers& at, cudaStream_t stream) {
  using T = typename ValueOf<P>::Type;
  const int columns = conv_tile_columns(P, shape);
  const int bytes = shape.vector * static_cast<int>(sizeof(T));
  if (bytes < 16) {
    const auto narrow = [&]<int VectorBytes>() {
      if constexpr (VectorBytes >= static_cast<int>(sizeof(T))) {
        columns == 16   ? launch_tile<P, 16, VectorBytes>(shape, at, stream)
        : columns == 48 ? launch_tile<P, 48, VectorBytes>(shape, at, stream)
                        : launch_tile<P, 64, VectorBytes>(shape, at, stream);
      }
    };
    bytes == 8   ? narrow.template operator()<8>()
    : bytes == 4 ? narrow.template operator()<4>()
                 : narrow.template operator()<2>();
    return;
  }
  switch (columns) {
    case 16:
      return launch_tile<P, 16, 16>(shape, at, stream);
    case 32:
      return launch_tile<P, 32, 16>(shape, at, stream);
    case 48:
      return launch_tile<P, 48, 16>(shape, at, stream);
    case 64:
      return launch_tile<P, 64, 16>(shape, at, stream);
    case 96:
      return launch_tile<P, 96, 16>(shape, at, stream);
    case 128:
      return launch_tile<P, 128, 16>(shape, at, stream);
    default:
      if constexpr (P != Product::tf32) return launch_tile<P, 192, 16>(shape, at, stream);
  }
}

}  // namespace metalaudio::nn::cuda
