#pragma once

#include <metalaudio/core/array.h>
#include <metalaudio/nn/cpu/winograd_kernels.h>

#include <span>

namespace metalaudio::nn::cpu {

/// The weights of a convolution, transformed in double for winograd_kernels.h, in panels as the tiles
/// of float32's products read them. Those of a gated convolution hold a vector of columns and one of
/// their gates.
/// Realtime: multiply, multiply_plainly.
class WinogradWeights {
 public:
  /// weight[column][row tap][tap][depth], bias[column].
  WinogradWeights(const WinogradForm& form, std::span<const float> weight,
                  std::span<const float> bias, bool glu);

  const WinogradForm& form() const noexcept { return form_; }
  std::size_t depth() const noexcept { return depth_; }
  std::size_t panels() const noexcept { return panels_; }
  /// Floats of a panel's row, and columns of the result among them.
  std::size_t width() const noexcept { return width_; }
  std::size_t panel_columns() const noexcept { return panel_columns_; }
  std::size_t bytes() const noexcept { return (weights_.size() + bias_.size()) * sizeof(float); }

  /// to[rows][width] of one product; rows are a multiple of gemm_tile_rows().
  void multiply(std::size_t panel, std::size_t product, const float* const* table, std::size_t rows,
                float* to) const noexcept;
  /// The results of a tile tap by tap, as winograd_results() leaves them, from window[piece][row]
  /// [position]. The weights are taken back from the transformed ones, so to 2^-22 of the largest of a
  /// kernel: a smaller one is zero.
  void multiply_plainly(std::size_t panel, std::span<const float* const> window, float* to,
                        std::size_t row) const noexcept;

 private:
  void pack(const float* from, float* to) const;

  WinogradForm form_;
  std::size_t depth_;
  std::size_t width_;
  std::size_t panel_columns_;
  std::size_t panels_;
  Array<float> weights_;  ///< [panel][product][depth][width]
  Array<float> bias_;     ///< [panel][width], and zeros behind
};

}  // namespace metalaudio::nn::cpu
