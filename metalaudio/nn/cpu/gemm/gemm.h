#pragma once

#include <metalaudio/core/array.h>
#include <metalaudio/nn/fusion/activation_of.h>
#include <metalaudio/nn/precision.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

namespace metalaudio::nn::cpu {

/// A matrix that a product multiplies with: element (column n, depth k) lies at
/// data[n · column_stride + k · depth_stride]. torch.nn.Linear.weight has strides depth and 1.
struct MatrixView {
  const float* data = nullptr;
  std::ptrdiff_t column_stride = 0;
  std::ptrdiff_t depth_stride = 1;
};

/// The sizes of such a matrix. With glu the second half of the columns gates the first, and the
/// result has half as many.
struct MatrixSize {
  std::size_t columns = 0;
  std::size_t depth = 0;
  bool glu = false;
  /// Taps start at multiples of this, and what one leaves of it is zeros; 0: they lie side by side.
  std::size_t tap_depth = 0;

  std::size_t result_columns() const noexcept { return glu ? columns / 2 : columns; }
};

/// One term of a product: row r of the block reads `depth` floats at base + r · row_stride and
/// multiplies rows [weight_row, weight_row + depth) of the matrix. Rows outside [first, last) read
/// zeros: that is how convolutions pad.
struct GemmTap {
  const float* base = nullptr;
  std::ptrdiff_t row_stride = 0;
  std::ptrdiff_t first = 0;
  std::ptrdiff_t last = 0;
  std::size_t weight_row = 0;
};

/// Where a block's rows go and what is done to them on the way:
/// out = activation(product + bias) + residual.
struct GemmOutput {
  float* base = nullptr;
  std::ptrdiff_t row_stride = 0;
  Activation activation = Activation::none;
  const float* residual = nullptr;  ///< or null
  std::ptrdiff_t residual_row_stride = 0;
};

/// The scratch that products of at most these sizes need.
struct GemmNeeds {
  std::size_t taps = 0;
  std::size_t rows = 0;
  std::size_t depth = 0;   ///< of one tap
  std::size_t floats = 0;  ///< for rows that are converted first, and tiles on their way out

  void cover(const GemmNeeds& other) noexcept {
    taps = std::max(taps, other.taps);
    rows = std::max(rows, other.rows);
    depth = std::max(depth, other.depth);
    floats = std::max(floats, other.floats);
  }
};

/// A thread's scratch for products.
class GemmScratch {
 public:
  void reserve(const GemmNeeds& needs);
  const float** table() noexcept { return table_.data(); }
  std::size_t* weight_rows() noexcept { return weight_rows_.data(); }
  const float* zeros() const noexcept { return zeros_.data(); }
  /// For the caller to write its taps to, and for a kernel that converts their rows.
  GemmTap* taps() noexcept { return taps_.data(); }
  GemmTap* converted_taps() noexcept { return converted_taps_.data(); }
  float* floats() noexcept { return floats_.data(); }

 private:
  Array<GemmTap> taps_;
  Array<GemmTap> converted_taps_;
  Array<const float*> table_;
  Array<std::size_t> weight_rows_;
  Array<float> zeros_;
  Array<float> floats_;
};

/// One arithmetic for products: how a matrix is packed, and how blocks of rows multiply it. Whoever
/// plans a product picks one, and nobody else knows how its matrix is packed.
/// Threads:  a constant.
/// Realtime: pack, multiply.
class GemmKernel {
 public:
  virtual ~GemmKernel() = default;
  virtual std::string_view name() const noexcept = 0;
  /// The rows that are computed together; blocks of a multiple of it waste nothing.
  virtual std::size_t tile_rows() const noexcept = 0;
  /// Taps that read overlapping rows share them where their depth in the matrix is a multiple of it.
  virtual std::size_t tap_unit() const noexcept { return 1; }
  /// Of the packed matrix, a multiple of 64.
  virtual std::size_t packed_bytes(const MatrixSize& size) const noexcept = 0;
  /// bias[columns] or null. `to` is 64-byte aligned.
  virtual void pack(const MatrixView& matrix, const MatrixSize& size, const float* bias,
                    std::byte* to) const noexcept = 0;
  /// For each of `rows` rows r:
  ///   out[r] = activation(Σ_tap a_tap[r][0..depth) · W[tap rows] + bias) + residual[r].
  /// Allocates nothing once the scratch was reserved for as many taps, rows and as much depth.
  virtual void multiply(std::span<const GemmTap> taps, std::size_t depth, std::size_t rows,
                        const std::byte* packed, const MatrixSize& size, GemmScratch& scratch,
                        const GemmOutput& output) const noexcept = 0;
  /// What `multiply` needs for a matrix with up to so many rows and taps, each tap of so much
  /// depth.
  virtual GemmNeeds needs(const MatrixSize& size, std::size_t taps, std::size_t rows,
                          std::size_t depth) const noexcept = 0;
};

/// The arithmetic of a precision, the fastest that this processor has. Of automatic that is factors
/// of two bfloat16 in the tiles of AMX, or float32; of bf16 float32 too, where bfloat16 is no faster.
const GemmKernel& gemm_kernel(Precision precision);
/// Of bf16, where AVX512-BF16 does so many multiply-adds in the time of one of float32.
const GemmKernel& bf16_kernel_without_tiles(double pair_rate);

/// The arithmetic of float32 for so many rows: factors of three bfloat16 in the tiles of AMX where
/// those are faster, otherwise `usual`.
const GemmKernel& float32_kernel(const GemmKernel& usual, const MatrixSize& size, std::size_t rows);

/// A constant matrix, packed.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  /// weights[columns][depth], row-major, as torch.nn.Linear.weight; bias[columns] or empty.
  PackedMatrix(const GemmKernel& kernel, std::span<const float> weights,
               std::span<const float> bias, const MatrixSize& size);

  const MatrixSize& size() const noexcept { return size_; }
  const GemmKernel& kernel() const noexcept { return *kernel_; }
  const std::byte* data() const noexcept { return data_.data(); }
  std::size_t bytes() const noexcept { return data_.size(); }

  void multiply(std::span<const GemmTap> taps, std::size_t depth, std::size_t rows,
                GemmScratch& scratch, const GemmOutput& output) const noexcept {
    kernel_->multiply(taps, depth, rows, data_.data(), size_, scratch, output);
  }

 private:
  const GemmKernel* kernel_ = nullptr;
  MatrixSize size_;
  Array<std::byte> data_;
};

}  // namespace metalaudio::nn::cpu
