#pragma once

#include <metalaudio/core/data_type.h>
#include <metalaudio/nn/cuda/kernels/device_limits.h>
#include <metalaudio/nn/operations/element_functions.h>

#include <cuda_runtime_api.h>

#include <array>
#include <cstdint>
#include <vector>

namespace metalaudio::nn::cuda {

/// What multiplies. f32 is exact; tf32 reads float32 and rounds; f16 and bf16 read their own type.
/// All add in float32.
enum class Product { f32, tf32, f16, bf16 };

constexpr DataType value_type_of(Product product) noexcept {
  return product == Product::f16    ? DataType::f16
         : product == Product::bf16 ? DataType::bf16
                                    : DataType::f32;
}

/// Columns of the product's rows: the reduction is walked in stages of 64 bytes.
constexpr int kStageBytes = 64;

/// Where a vector of the reduction lies: elements from a row's origin, and the taps along both axes.
struct Tap {
  std::int32_t offset = 0;
  std::int32_t along0 = 0;
  std::int32_t along1 = 0;
  std::int32_t unused = 0;
};

/// A convolution over two axes as one product: rows are positions of the output, the reduction walks
/// taps and channels of the input, which is read where it lies. A transposed convolution is one too:
/// its rows are positions of the input, and its columns are the phases of its strides with all output
/// channels in each.
struct ConvShape {
  std::int64_t batch = 1;
  // Rows are (batch, x0, x1); row (x0, x1) reads the input from (x0 · stride0 + start0, …) on.
  int x0 = 1;
  int x1 = 1;
  int stride0 = 1;
  int stride1 = 1;
  int start0 = 0;
  int start1 = 0;
  int in0 = 1;  ///< the input's extents
  int in1 = 1;
  int channels = 1;  ///< of the input
  int depth = 0;     ///< of the reduction, in vectors of `vector` elements
  int vector = 1;    ///< elements of one channel run that are read at once: 16, 8, 4 or 2 bytes
  // Columns are (phase0, phase1, channel).
  int columns = 1;  ///< phases and channels; twice as many channels where the activation is glu
  int out_channels = 1;
  int phases1 = 1;
  // Column (r0, r1, c) of row (x0, x1) is element c at (x0 · scale0 + r0 + shift0, …).
  int scale0 = 1;
  int scale1 = 1;
  int shift0 = 0;
  int shift1 = 0;
  int out0 = 1;  ///< the output's extents; what falls outside is cropped
  int out1 = 1;
  Activation activation = Activation::none;
  bool wide = false;  ///< the results are float32, whatever the input is
  // The residual's steps, 0 where it repeats.
  std::int64_t residual_batch = 0;
  std::int64_t residual0 = 0;
  std::int64_t residual1 = 0;
  /// Tiles of rows that each batch has to itself; 0: they run on from one batch into the next.
  int tiles_per_batch = 0;
  float epsilon = 0;  ///< of the norm behind the product, where `moments` is there
  DeviceLimits limits;

  constexpr std::int64_t rows() const noexcept { return batch * x0 * x1; }
};

/// Of the values of one tile.
struct TileMoments {
  float mean = 0;
  float squares = 0;  ///< Σ (value - mean)²
};

struct ConvPointers {
  const void* x = nullptr;
  const void* weight = nullptr;  ///< [columns, padded][depth · vector, padded to stages]
  const Tap* taps = nullptr;     ///< [depth], padded to stages with taps that fall outside
  const float* bias = nullptr;   ///< [out channels], twice as many for glu; or null
  const float* gain = nullptr;   ///< [out channels] or null
  const void* residual = nullptr;
  void* y = nullptr;  ///< null: nothing is written but the moments
  /// Where the moments of every tile of sums go; null: nowhere. Only with tiles_per_batch.
  TileMoments* tile_moments = nullptr;
  /// What the same product left there: all values of a batch are normalised by them, before the
  /// activation, and scaled by gamma and beta as by `bias`.
  const TileMoments* moments = nullptr;
  const float* gamma = nullptr;
  const float* beta = nullptr;
};

/// The rows that one block computes.
constexpr int kTileRows = 128;
/// The columns that one block computes; the weights are padded to a multiple of them.
int conv_tile_columns(Product product, const ConvShape& shape);
void launch_conv(Product product, const ConvShape& shape, const ConvPointers& at,
                 cudaStream_t stream);

}  // namespace metalaudio::nn::cuda
