#pragma once

#include <metalaudio/nn/cpu/gemm/gemm.h>
#include <metalaudio/nn/cpu/gemm/pair_epilogue.h>
#include <metalaudio/nn/cpu/gemm/pair_products.h>
#include <metalaudio/nn/cpu/gemm/product_shares.h>

namespace metalaudio::nn::cpu {

/// Products whose factors are bfloat16, two depths side by side, and whose sums are float32: in the
/// tiles of AMX or the vectors of AVX512-BF16. With one part a factor is rounded; with two or
/// three, which only tiles multiply, it is the sum of so many bfloat16. Two keep 16 of its 24 bits,
/// and a product is three: all but that of the small parts; infinities then may become NaN. Three
/// keep all bits, but of numbers below 2^-110, and a product is six: what is left out is 2^-26 of
/// it.
/// Rows are converted block by block; the matrix lies in panels of 32 columns, each as pairs of
/// tiles of 16 columns and 32 depths, two depths side by side, the pairs of smaller parts behind that
/// of the large ones. With glu the second tile of a pair gates the first. The biases follow the
/// panels, in float32.
class GemmPairs final : public GemmKernel {
 public:
  enum class Unit { tiles, vectors };

  explicit GemmPairs(Unit unit, std::size_t parts = 1);
  /// Whether this process may use the unit.
  static bool available(Unit unit) noexcept;

  Unit unit() const noexcept { return unit_; }
  std::size_t parts() const noexcept { return parts_; }
  std::string_view name() const noexcept override;
  std::size_t tile_rows() const noexcept override { return products_.rows; }
  std::size_t tap_unit() const noexcept override { return kPairTileDepth; }
  std::size_t packed_bytes(const MatrixSize& size) const noexcept override;
  void pack(const MatrixView& matrix, const MatrixSize& size, const float* bias,
            std::byte* to) const noexcept override;
  void multiply(std::span<const GemmTap> taps, std::size_t depth, std::size_t rows,
                const std::byte* packed, const MatrixSize& size, GemmScratch& scratch,
                const GemmOutput& output) const noexcept override;
  GemmNeeds needs(const MatrixSize& size, std::size_t taps, std::size_t rows,
                  std::size_t depth) const noexcept override;
  /// The panels of a matrix, and its product with many rows of it as threads share it.
  std::size_t panels(const MatrixSize& size) const noexcept;
  SharedProduct shared(const MatrixSize& size, std::size_t rows) const noexcept;
  /// A share of the product.
  void multiply(std::span<const GemmTap> taps, std::size_t depth, std::size_t rows,
                const std::byte* packed, const MatrixSize& size, GemmScratch& scratch,
                const GemmOutput& output, const PairShare& share) const noexcept;
  /// The same of one part, whose rows are bfloat16 already. Their last block may be read whole.
  /// `tile` is room for a block.
  void multiply_halves(std::span<const PairOperand> operands, std::size_t rows,
                       const std::byte* packed, const MatrixSize& size, float* tile,
                       const PairOutput& output, const PairShare& share) const noexcept;
  /// The whole product.
  void multiply_halves(std::span<const PairOperand> operands, std::size_t rows,
                       const std::byte* packed, const MatrixSize& size, float* tile,
                       const PairOutput& output) const noexcept {
    multiply_halves(operands, rows, packed, size, tile, output, whole(size, rows));
  }

 private:
  PairShare whole(const MatrixSize& size, std::size_t rows) const noexcept;

  Unit unit_;
  std::size_t parts_;
  const PairProducts& products_;
};

/// The product of a matrix of the kernel with one part in the tiles of AMX, and rows that are bfloat16
/// already; the last 32 of them may be read whole.
/// Realtime: all, once the scratch has kPairBlockFloats.
void multiply_halves(const PackedMatrix& matrix, std::span<const PairOperand> operands,
                     std::size_t rows, GemmScratch& scratch, const PairOutput& output) noexcept;
constexpr std::size_t kPairBlockFloats = kPairRows * kPairPanelColumns;

/// How many bfloat16 make a factor of a kernel in the tiles of AMX; 0: it multiplies elsewhere.
std::size_t amx_parts(const GemmKernel& kernel) noexcept;

}  // namespace metalaudio::nn::cpu
