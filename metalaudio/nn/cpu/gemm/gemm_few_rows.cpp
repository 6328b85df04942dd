#include <metalaudio/nn/cpu/gemm/gemm_few_rows.h>
#include <metalaudio/nn/cpu/gemm/gemm_few_rows_kernels.h>
#include <metalaudio/nn/cpu/gemm/gemm_kernels.h>

namespace metalaudio::nn::cpu {

namespace {

constexpr std::size_t kShortTile = 4;

}  // namespace

void GemmFewRows::multiply(std::span<const GemmTap> taps, std::size_t depth, std::size_t rows,
                           const std::byte* packed, const MatrixSize& size, GemmScratch& scratch,
                           const GemmOutput& output) const noexcept {
  const std::size_t tile = gemm_tile_rows();
  // What fits one pass of four rows over the matrix is not worth a whole tile.
  const bool few = rows < tiles_from_;
  const std::size_t beyond = rows % tile;
  const std::size_t tiled = few                                            ? 0
                            : beyond > kShortTile || tile < 2 * kShortTile ? rows
                                                                           : rows - beyond;
  if (tiled > 0) GemmFp32::multiply(taps, depth, tiled, packed, size, scratch, output);
  if (tiled == rows || size.result_columns() == 0) return;
  const Panels panels(size);
  const auto* data = reinterpret_cast<const float*>(packed);
  multiply_few_rows({taps, depth, tiled, rows - tiled, data, panels.count, panels.stride,
                     size.result_columns(), data + panels.count * panels.stride, panels.narrow,
                     scratch.zeros(), &output, !few});
}

}  // namespace metalaudio::nn::cpu
