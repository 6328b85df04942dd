#pragma once

#include <metalaudio/nn/cpu/gemm.h>

namespace metalaudio::nn::cpu {

/// gemm_block's arguments once its row table is made: table[tile][tap][tile row].
struct GemmBlock {
  const float* const* table;
  const std::size_t* weight_rows;
  std::size_t taps;
  std::size_t depth;
  std::size_t rows;
  const GemmPanels* panels;
  const GemmOutput* output;
};

void gemm_multiply(const GemmBlock& block);

}  // namespace metalaudio::nn::cpu
