#pragma once

#include <metalaudio/nn/cpu/gemm/gemm.h>

namespace metalaudio::nn::cpu {

/// After so many products a float32 sum starts anew, and is added to the sum of those before: what a
/// sum errs grows with the root of its length, and so with the root of this one.
constexpr std::size_t kGemmChain = 32;

/// A block of a float32 product once its row table is made: table[tile][tap][tile row].
struct GemmBlock {
  const float* const* table;
  const std::size_t* weight_rows;
  std::size_t taps;
  std::size_t depth;
  std::size_t rows;
  const float* panels;
  std::size_t panel_count;
  std::size_t panel_stride;
  std::size_t columns;  ///< of the result
  const float* bias;    ///< as wide as the panels
  bool narrow;          ///< panels of one vector
  const GemmOutput* output;
};

void gemm_multiply(const GemmBlock& block);

/// Rows of a panel, two vectors each with the bias added, on their way out: `column` is the first
/// of the result's `columns`.
struct GemmTile {
  const float* values;
  std::size_t rows;
  std::size_t column;
  std::size_t columns;
};
void gemm_finish(const GemmTile& tile, const GemmOutput& output);

/// The panel width of the instruction set in use: two vectors.
std::size_t gemm_panel_width();

}  // namespace metalaudio::nn::cpu
