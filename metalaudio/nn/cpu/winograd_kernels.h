#pragma once

#include <cstddef>

namespace metalaudio::nn::cpu {

/// Winograd's minimal filtering F(2,3): two neighbouring results of three taps g from four values d,
/// by four products instead of six:
///   v = (d0 - d2, d1 + d2, d2 - d1, d1 - d3),
///   u = (g0, (g0 + g1 + g2) / 2, (g0 - g1 + g2) / 2, g2),
///   y = (u0 v0 + u1 v1 + u2 v2, u1 v1 - u2 v2 - u3 v3).
/// Along one axis, or along two: there a tile of two by two results takes 16 products instead of 36.
/// Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016, section 4.1.
struct WinogradTiles {
  bool square;  ///< along two axes
  std::size_t count;

  /// Of a tile: its products, which are as many as the values that it reads.
  std::size_t products() const noexcept { return square ? 16 : 4; }
  std::size_t results() const noexcept { return square ? 4 : 2; }
};

/// to[product][tile][channels], the products `stride` apart, of the values at
/// windows[tile][row][position].
void winograd_inputs(const WinogradTiles& tiles, const float* const* windows, std::size_t channels,
                     float* to, std::size_t stride);

/// to[row][tile][position][width] of products[product][tile][width], the products `stride` and the
/// rows `row` apart; the width is gemm_panel_width(). Returns whether all results are finite.
bool winograd_results(const WinogradTiles& tiles, const float* products, std::size_t stride,
                      float* to, std::size_t row);

}  // namespace metalaudio::nn::cpu
