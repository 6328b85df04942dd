#pragma once

#include <cstddef>

namespace metalaudio::nn::cpu {

/// Winograd's minimal filtering: neighbouring results of a few taps g from four values d, by four
/// products u v instead of six:
///   v = (d0 - d2, d1 + d2, d2 - d1, d1 - d3);
/// two results of three taps, F(2,3),
///   u = (g0, (g0 + g1 + g2) / 2, (g0 - g1 + g2) / 2, g2),
///   y = (u0 v0 + u1 v1 + u2 v2, u1 v1 - u2 v2 - u3 v3);
/// and three of two, F(3,2),
///   u = (g0, (g0 + g1) / 2, (g0 - g1) / 2, g1),
///   y = (u0 v0 + u1 v1 + u2 v2, u1 v1 - u2 v2, u1 v1 + u2 v2 - u3 v3).
/// Along both axes a tile of two by two results of three by three taps takes 16 products instead of
/// 36.
/// Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016, section 4.1.
struct WinogradForm {
  std::size_t taps;  ///< 3; or 2, along one axis
  bool along_rows;
  bool along_positions;

  bool along_both() const noexcept { return along_rows && along_positions; }
  /// Of a tile, and as many values that it reads.
  std::size_t products() const noexcept { return along_both() ? 16 : 4; }
  /// Of a tile.
  std::size_t result_rows() const noexcept { return along_rows ? 5 - taps : 1; }
  std::size_t result_positions() const noexcept { return along_positions ? 5 - taps : 1; }
};

/// to[product][tile][piece][channels], the products `stride` apart, of the values at
/// windows[tile][piece][row][position].
struct WinogradInputs {
  const float* const* windows;
  std::size_t tiles;
  std::size_t pieces;
  std::size_t channels;
};
void winograd_inputs(const WinogradForm& form, const WinogradInputs& inputs, float* to,
                     std::size_t stride);

/// to[row][tile][position][width] of products[product][tile][width], the products `stride` and the
/// rows `row` apart; the width is gemm_panel_width(). Returns whether all results are finite.
bool winograd_results(const WinogradForm& form, std::size_t tiles, const float* products,
                      std::size_t stride, float* to, std::size_t row);

}  // namespace metalaudio::nn::cpu
