#pragma once

#include <metalaudio/nn/cpu/gemm/gemm.h>

namespace metalaudio::nn::cpu {

/// Of the instruction set in use.
std::size_t gemm_tile_rows();

/// Float32 products. The matrix is cut into panels of two vectors of columns (of one, where it has
/// no more), each panel row-major, zero-padded: the order in which the product reads it. With glu a
/// panel holds one vector of columns j and one of columns/2 + j, so that the gate is applied while
/// both are in registers. The biases follow the panels.
class GemmFp32 : public GemmKernel {
 public:
  std::string_view name() const noexcept override { return "fp32"; }
  std::size_t tile_rows() const noexcept override { return gemm_tile_rows(); }
  std::size_t packed_bytes(const MatrixSize& size) const noexcept override;
  void pack(const MatrixView& matrix, const MatrixSize& size, const float* bias,
            std::byte* to) const noexcept override;
  void multiply(std::span<const GemmTap> taps, std::size_t depth, std::size_t rows,
                const std::byte* packed, const MatrixSize& size, GemmScratch& scratch,
                const GemmOutput& output) const noexcept override;
  GemmNeeds needs(const MatrixSize&, std::size_t taps, std::size_t rows,
                  std::size_t depth) const noexcept override {
    return {taps, rows, depth, 0};
  }

 protected:
  /// How the packed matrix is cut. A matrix of few columns has one panel of one vector.
  struct Panels {
    explicit Panels(const MatrixSize& size);

    bool narrow;
    std::size_t width;    ///< floats of a row
    std::size_t columns;  ///< of the result
    std::size_t count;
    std::size_t stride;
  };
  /// Writes the biases of a packed matrix; null: zeros.
  static void pack_bias(const MatrixSize& size, const float* bias, std::byte* to) noexcept;
  /// The same, to where they are told.
  static void write_bias(const MatrixSize& size, const float* bias, float* biases) noexcept;
  /// Where each row of each tile starts.
  static void fill_table(std::span<const GemmTap> taps, std::size_t rows,
                         GemmScratch& scratch) noexcept;
  /// Calls put(index, value) for every number of the panels.
  template <typename Put>
  static void for_panels(const MatrixView& matrix, const MatrixSize& size, Put&& put) noexcept {
    const Panels panels(size);
    const std::size_t result = size.result_columns();
    for (std::size_t panel = 0; panel < panels.count; ++panel) {
      for (std::size_t lane = 0; lane < panels.width; ++lane) {
        const bool gate = size.glu && lane >= panels.columns;
        const std::size_t column = panel * panels.columns + (gate ? lane - panels.columns : lane);
        const bool inside = column < result;
        const std::size_t source = gate ? result + column : column;
        const std::size_t at = panel * panels.stride + lane;
        const float* from =
            matrix.data + static_cast<std::ptrdiff_t>(source) * matrix.column_stride;
        for (std::size_t k = 0; k < size.depth; ++k) {
          put(at + k * panels.width,
              inside ? from[static_cast<std::ptrdiff_t>(k) * matrix.depth_stride] : 0.0F);
        }
      }
    }
  }
};

}  // namespace metalaudio::nn::cpu
