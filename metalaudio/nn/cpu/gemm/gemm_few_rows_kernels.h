#pragma once

#include <metalaudio/nn/cpu/gemm/gemm.h>

namespace metalaudio::nn::cpu {

/// Rows [first_row, first_row + rows) of a product, read straight from the taps.
struct FewRows {
  std::span<const GemmTap> taps;
  std::size_t depth;
  std::size_t first_row;
  std::size_t rows;
  const float* panels;
  std::size_t panel_count;
  std::size_t panel_stride;
  std::size_t columns;  ///< of the result
  const float* bias;    ///< as wide as the panels
  bool narrow;          ///< panels of one vector
  const float* zeros;   ///< `depth` of them
  const GemmOutput* output;
  bool as_tile;  ///< always four rows at a time, even where fewer are left
};

void multiply_few_rows(const FewRows& block);

}  // namespace metalaudio::nn::cpu
