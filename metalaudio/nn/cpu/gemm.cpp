#include <metalaudio/nn/cpu/gemm.h>
#include <metalaudio/nn/cpu/gemm_kernels.h>

#include <algorithm>

namespace metalaudio::nn::cpu {

PackedMatrix::PackedMatrix(std::span<const float> weights, std::span<const float> bias,
                           std::size_t columns, std::size_t depth, bool glu)
    : columns_(glu ? columns / 2 : columns), depth_(depth) {
  const std::size_t width = gemm_panel_width();
  const std::size_t lanes = width / 2;
  const std::size_t panel_columns = glu ? lanes : width;
  panels_ = (columns_ + panel_columns - 1) / panel_columns;
  stride_ = depth * width;
  data_.assign(panels_ * stride_, 0.0F);
  if (!bias.empty()) bias_.assign(panels_ * width, 0.0F);
  for (std::size_t panel = 0; panel < panels_; ++panel) {
    for (std::size_t lane = 0; lane < width; ++lane) {
      const bool gate = glu && lane >= lanes;
      const std::size_t column = panel * panel_columns + (gate ? lane - lanes : lane);
      if (column >= columns_) continue;
      const std::size_t source = gate ? columns_ + column : column;
      for (std::size_t k = 0; k < depth; ++k) {
        data_[panel * stride_ + k * width + lane] = weights[source * depth + k];
      }
      if (!bias.empty()) bias_[panel * width + lane] = bias[source];
    }
  }
}

GemmPanels panels_of(const PackedMatrix& matrix) noexcept {
  return {matrix.data(), matrix.panels(), matrix.panel_stride(), matrix.columns(), matrix.bias()};
}

void GemmScratch::reserve(std::size_t taps, std::size_t rows, std::size_t depth) {
  const std::size_t tile = gemm_tile_rows();
  const std::size_t pointers = (rows + tile - 1) / tile * tile * taps;
  table_.resize(std::max(table_.size(), pointers));
  weight_rows_.resize(std::max(weight_rows_.size(), taps));
  zeros_.resize(std::max(zeros_.size(), depth));
}

void gemm_block(std::span<const GemmTap> taps, std::size_t depth, std::size_t rows,
                const GemmPanels& panels, GemmScratch& scratch, const GemmOutput& output) {
  const std::size_t tile = gemm_tile_rows();
  const float** entry = scratch.table();
  for (std::size_t r0 = 0; r0 < rows; r0 += tile) {
    for (const GemmTap& tap : taps) {
      for (std::size_t r = 0; r < tile; ++r) {
        // The last tile repeats its last row; the surplus is computed and dropped.
        const auto row = static_cast<std::ptrdiff_t>(std::min(r0 + r, rows - 1));
        const bool inside = row >= tap.first && row < tap.last;
        *entry++ = inside ? tap.base + row * tap.row_stride : scratch.zeros();
      }
    }
  }
  for (std::size_t i = 0; i < taps.size(); ++i) scratch.weight_rows()[i] = taps[i].weight_row;
  gemm_multiply(
      {scratch.table(), scratch.weight_rows(), taps.size(), depth, rows, &panels, &output});
}

}  // namespace metalaudio::nn::cpu
