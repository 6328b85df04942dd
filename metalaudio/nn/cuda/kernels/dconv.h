#pragma once

#include <metalaudio/nn/cuda/kernels/conv.h>

#include <cstddef>
#include <cstdint>

namespace metalaudio::nn::cuda {

/// One layer of demucs.demucs.DConv: x + gain · glu(norm(W2 · gelu(norm(conv3(x))))).
///
/// Warps keep the hidden values of their positions in registers, in the order in which the first
/// product leaves them, which is the one in which the second takes them. The moments of the second
/// product's values follow from the hidden values g alone: with W its weights and b its bias less
/// the bias' mean, Σ (W g + b)² = <WᵀW, Σ g gᵀ> + 2 (bᵀW) · Σ g + n |b|².
struct DConvShape {
  std::int64_t rows = 1;  ///< each normalised by itself
  int positions = 1;
  int channels = 4;  ///< a multiple of 4, at most kMostChannels
  int hidden = 1;    ///< at most kMostHidden
  int dilation = 1;
  float epsilon1 = 1e-5F;
  float epsilon2 = 1e-5F;
  float bias_squares = 0;  ///< |b|²
  // How rows are shared, by share_rows().
  int groups = 1;  ///< of 16 positions that a warp takes
  int warps = 1;   ///< of a block
  int tiles = 1;   ///< blocks that share a row; a row of one tile takes one launch, others three
};

constexpr int kMostHidden = 48;
constexpr int kMostChannels = 2048;  ///< whose factors and summands fit into shared memory
constexpr int kDConvTerms = 5;
constexpr int kDConvScales = 7;

/// Hidden channels are held in tiles of 8.
constexpr int hidden_tiles(int hidden) {
  return hidden <= 8 ? 1 : hidden <= 16 ? 2 : hidden <= 24 ? 3 : 6;
}
/// Channels are walked 16 at a time.
constexpr int channel_chunks(int channels) { return (channels + 15) / 16; }

/// Of a part of a row: the mean and Σ (value - mean)² of its hidden values, or the sum and the sum of
/// squares of the second product's.
struct DConvMoments {
  float first = 0;
  float squares = 0;
};

struct DConvPointers {
  const void* x = nullptr;
  void* y = nullptr;
  const void* weight1 = nullptr;  ///< [tap][chunk][hidden tile][lane][4]
  /// [chunk][pair of hidden tiles][half of glu][lane][2][4]; of float32
  /// [chunk][hidden tile][half of glu][lane][2][2]
  const void* weight2 = nullptr;
  const float* gram = nullptr;   ///< WᵀW, as tiles of 16 x 8 lie in registers
  const float* terms = nullptr;  ///< [kDConvTerms][hidden]: bias, gamma, beta, Σ W, 2 bᵀW
  const float* scales =
      nullptr;             ///< [kDConvScales][channels]: bias, gamma, beta of each half; gain
  void* hidden = nullptr;  ///< what the first of three launches leaves to the others
  DConvMoments* moments1 = nullptr;
  DConvMoments* moments2 = nullptr;
};

/// The shape with the fields that say how rows are shared. Float32 shares them by how many there are
/// in one item of a batch, so that an item has the same bits in any batch.
DConvShape share_rows(Product product, DConvShape shape, std::int64_t rows_of_item);
std::size_t dconv_hidden_bytes(Product product, const DConvShape& shape);
std::size_t dconv_moments_bytes(const DConvShape& shape);
void launch_dconv(Product product, const DConvShape& shape, const DConvPointers& at,
                  cudaStream_t stream);

}  // namespace metalaudio::nn::cuda
