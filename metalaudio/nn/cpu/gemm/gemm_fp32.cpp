#include <metalaudio/nn/cpu/gemm/gemm_fp32.h>
#include <metalaudio/nn/cpu/gemm/gemm_kernels.h>

#include <algorithm>

namespace metalaudio::nn::cpu {

GemmFp32::Panels::Panels(const MatrixSize& size)
    : narrow(!size.glu && size.columns <= gemm_panel_width() / 2),
      width(narrow ? gemm_panel_width() / 2 : gemm_panel_width()),
      columns(size.glu ? width / 2 : width),
      count((size.result_columns() + columns - 1) / columns),
      stride(size.depth * width) {}

std::size_t GemmFp32::packed_bytes(const MatrixSize& size) const noexcept {
  const Panels panels(size);
  return (panels.count * (panels.stride + panels.width) * sizeof(float) + 63) / 64 * 64;
}

void GemmFp32::pack(const MatrixView& matrix, const MatrixSize& size, const float* bias,
                    std::byte* to) const noexcept {
  auto* data = reinterpret_cast<float*>(to);
  for_panels(matrix, size, [data](std::size_t index, float value) { data[index] = value; });
  pack_bias(size, bias, to);
}

void GemmFp32::pack_bias(const MatrixSize& size, const float* bias, std::byte* to) noexcept {
  const Panels panels(size);
  write_bias(size, bias, reinterpret_cast<float*>(to) + panels.count * panels.stride);
}

void GemmFp32::write_bias(const MatrixSize& size, const float* bias, float* biases) noexcept {
  const Panels panels(size);
  const std::size_t result = size.result_columns();
  for (std::size_t i = 0; i < panels.count * panels.width; ++i) {
    const std::size_t lane = i % panels.width;
    const bool gate = size.glu && lane >= panels.columns;
    const std::size_t column =
        i / panels.width * panels.columns + lane - (gate ? panels.columns : 0);
    const bool inside = bias != nullptr && column < result;
    biases[i] = inside ? bias[gate ? result + column : column] : 0.0F;
  }
}

void GemmFp32::fill_table(std::span<const GemmTap> taps, std::size_t rows,
                          GemmScratch& scratch) noexcept {
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
}

void GemmFp32::multiply(std::span<const GemmTap> taps, std::size_t depth, std::size_t rows,
                        const std::byte* packed, const MatrixSize& size, GemmScratch& scratch,
                        const GemmOutput& output) const noexcept {
  fill_table(taps, rows, scratch);
  const Panels panels(size);
  const auto* data = reinterpret_cast<const float*>(packed);
  gemm_multiply({scratch.table(), scratch.weight_rows(), taps.size(), depth, rows, data,
                 panels.count, panels.stride, size.result_columns(),
                 data + panels.count * panels.stride, panels.narrow, &output});
}

}  // namespace metalaudio::nn::cpu
