#pragma once

#include <metalaudio/nn/cpu/gemm/gemm.h>
#include <metalaudio/nn/cpu/gemm/gemm_kernels.h>

#include <cstddef>

namespace metalaudio::nn::cpu {

/// Where rows of a product of rounded factors go, and what is done to them on the way:
/// out = activation(product · scale + shift) + residual. Strides count numbers; gelu and sigmoid are
/// as exact as bfloat16 asks, which holds 8 bits.
struct PairOutput {
  void* base = nullptr;
  std::ptrdiff_t row_stride = 0;
  Activation activation = Activation::none;
  const void* residual = nullptr;  ///< or null
  std::ptrdiff_t residual_row_stride = 0;
  bool halves = false;           ///< the result is bfloat16, otherwise float32
  bool residual_halves = false;  ///< the same
  const float* scale = nullptr;  ///< per column of the matrix, or null: 1 and 0
  const float* shift = nullptr;

  void skip(std::ptrdiff_t rows) noexcept {
    base = past(base, halves, rows * row_stride);
    residual = past(const_cast<void*>(residual), residual_halves, rows * residual_row_stride);
  }
  /// A place so many numbers on; of none, none.
  static void* past(void* base, bool halves, std::ptrdiff_t numbers) noexcept {
    const std::ptrdiff_t bytes = numbers * (halves ? 2 : 4);
    return base == nullptr ? nullptr : static_cast<std::byte*>(base) + bytes;
  }
};

/// Realtime: safe.
void finish_pairs(const GemmTile& tile, const PairOutput& output) noexcept;

}  // namespace metalaudio::nn::cpu
