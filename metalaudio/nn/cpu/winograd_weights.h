#pragma once

#include <metalaudio/core/array.h>
#include <metalaudio/nn/cpu/winograd_kernels.h>

namespace metalaudio::nn::cpu {

struct ConvConstants;

/// The weights of a convolution of three taps, or three by three, transformed in double for
/// winograd_kernels.h, in panels as the tiles of float32's products read them. Those of a gated
/// convolution hold a vector of columns and one of their gates.
/// Realtime: multiply, multiply_plainly.
class WinogradWeights {
 public:
  WinogradWeights(bool square, const ConvConstants& constants, bool glu);

  std::size_t channels() const noexcept { return channels_; }
  std::size_t panels() const noexcept { return panels_; }
  /// Floats of a panel's row, and columns of the result among them.
  std::size_t width() const noexcept { return width_; }
  std::size_t panel_columns() const noexcept { return panel_columns_; }
  std::size_t bytes() const noexcept { return (weights_.size() + bias_.size()) * sizeof(float); }

  /// to[rows][width] of one product; rows are a multiple of gemm_tile_rows().
  void multiply(std::size_t panel, std::size_t product, const float* const* table, std::size_t rows,
                float* to) const noexcept;
  /// The results of a tile tap by tap, as winograd_results() leaves them. The weights are taken back
  /// from the transformed ones, so to 2^-22 of the largest of a kernel: a smaller one is zero.
  void multiply_plainly(std::size_t panel, const float* const* window, float* to,
                        std::size_t row) const noexcept;

 private:
  std::size_t products() const noexcept { return square_ ? 16 : 4; }
  void pack(const float* from, float* to) const;

  bool square_;
  std::size_t channels_ = 0;
  std::size_t width_;
  std::size_t panel_columns_;
  std::size_t panels_ = 0;
  Array<float> weights_;  ///< [panel][product][channel][width]
  Array<float> bias_;     ///< [panel][width], and zeros behind
};

}  // namespace metalaudio::nn::cpu
