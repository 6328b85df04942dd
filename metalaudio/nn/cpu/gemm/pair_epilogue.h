#pragma once

#include <metalaudio/nn/cpu/gemm/gemm.h>
#include <metalaudio/nn/cpu/gemm/gemm_kernels.h>
#include <metalaudio/nn/cpu/numbers.h>

#include <cstddef>

namespace metalaudio::nn::cpu {

/// Where rows of a product of rounded factors go, and what is done to them on the way:
/// out = activation(product · scale + shift) + residual. Strides count numbers; gelu and sigmoid are
/// as exact as bfloat16 asks, which holds 8 bits.
struct PairOutput {
  Numbers base = {};
  std::ptrdiff_t row_stride = 0;
  Activation activation = Activation::none;
  Numbers residual = {};  ///< or none
  std::ptrdiff_t residual_row_stride = 0;
  const float* scale = nullptr;  ///< per column of a matrix without biases, or null: 1 and 0
  const float* shift = nullptr;
  /// Columns that go to places of their own, without a gate; size 0: all go to one.
  struct Groups {
    std::size_t size = 0;     ///< in the matrix, a multiple of 16
    std::size_t columns = 0;  ///< of them, those that are results
    std::ptrdiff_t stride = 0;
    std::size_t first = 0;  ///< those before are dropped,
    std::size_t end = 0;    ///< and these
  } groups = {};
};

/// Realtime: safe.
void finish_pairs(const GemmTile& tile, const PairOutput& output) noexcept;

}  // namespace metalaudio::nn::cpu
