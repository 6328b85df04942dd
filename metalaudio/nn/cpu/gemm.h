#pragma once

#include <metalaudio/nn/activation.h>

#include <cstddef>
#include <span>
#include <vector>

namespace metalaudio::nn::cpu {

/// A weight matrix cut into panels of gemm_panel_width() columns, zero-padded: the order in which
/// the product reads it. With glu a panel holds columns j and columns/2 + j side by side, so that
/// the gate is applied while both are in registers.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  /// weights[columns][depth], row-major, as torch.nn.Linear.weight; bias[columns] or empty.
  PackedMatrix(std::span<const float> weights, std::span<const float> bias, std::size_t columns,
               std::size_t depth, bool glu);

  /// The columns of the result: half of the matrix's with glu.
  std::size_t columns() const noexcept { return columns_; }
  std::size_t depth() const noexcept { return depth_; }
  std::size_t panels() const noexcept { return panels_; }
  std::size_t panel_stride() const noexcept { return stride_; }
  const float* data() const noexcept { return data_.data(); }
  const float* bias() const noexcept { return bias_.empty() ? nullptr : bias_.data(); }
  std::size_t bytes() const noexcept { return (data_.size() + bias_.size()) * sizeof(float); }

 private:
  std::size_t columns_ = 0;
  std::size_t depth_ = 0;
  std::size_t panels_ = 0;
  std::size_t stride_ = 0;
  std::vector<float> data_;
  std::vector<float> bias_;
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

/// Panels as the product reads them: those of a PackedMatrix, or packed by the caller at run time.
struct GemmPanels {
  const float* data = nullptr;
  std::size_t count = 0;
  std::size_t stride = 0;
  std::size_t columns = 0;  ///< of the result
  const float* bias = nullptr;
};
GemmPanels panels_of(const PackedMatrix& matrix) noexcept;

/// The panel width of the instruction set in use: two vectors.
std::size_t gemm_panel_width();
/// The rows that are computed together; blocks of a multiple of it waste nothing.
std::size_t gemm_tile_rows();

/// A thread's scratch for gemm_block: grows while a plan is built, never while it runs.
class GemmScratch {
 public:
  void reserve(std::size_t taps, std::size_t rows, std::size_t depth);
  const float** table() noexcept { return table_.data(); }
  std::size_t* weight_rows() noexcept { return weight_rows_.data(); }
  const float* zeros() const noexcept { return zeros_.data(); }

 private:
  std::vector<const float*> table_;
  std::vector<std::size_t> weight_rows_;
  std::vector<float> zeros_;
};

/// For each of `rows` rows r:
///   out[r] = activation(Σ_tap a_tap[r][0..depth) · W[tap rows] + bias) + residual[r].
/// Allocates nothing once the scratch was reserved for as many taps, rows and as much depth.
void gemm_block(std::span<const GemmTap> taps, std::size_t depth, std::size_t rows,
                const GemmPanels& panels, GemmScratch& scratch, const GemmOutput& output);

}  // namespace metalaudio::nn::cpu
