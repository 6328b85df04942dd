#include <metalaudio/core/half.h>
#include <metalaudio/nn/cpu/gemm/gemm_few_rows_kernels.h>
#include <metalaudio/nn/cpu/gemm/gemm_half.h>
#include <metalaudio/nn/cpu/gemm/gemm_half_kernels.h>
#include <metalaudio/nn/cpu/gemm/gemm_kernels.h>

namespace metalaudio::nn::cpu {

namespace {

constexpr std::size_t kFewRows = 4;  // up to which a tile would compute mostly what is dropped

std::size_t whole_lines(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

std::string_view GemmHalf::name() const noexcept {
  return type_ == DataType::f16 ? "fp32 by f16" : "fp32 by bf16";
}

std::size_t GemmHalf::packed_bytes(const MatrixSize& size) const noexcept {
  const Panels panels(size);
  return whole_lines(panels.count * panels.stride * sizeof(std::uint16_t)) +
         whole_lines(panels.count * panels.width * sizeof(float));
}

void GemmHalf::pack(const MatrixView& matrix, const MatrixSize& size, const float* bias,
                    std::byte* to) const noexcept {
  const Panels panels(size);
  auto* data = reinterpret_cast<std::uint16_t*>(to);
  for_panels(matrix, size, [&](std::size_t index, float value) {
    data[index] = type_ == DataType::f16 ? Float16(value).bits : BFloat16(value).bits;
  });
  write_bias(size, bias,
             reinterpret_cast<float*>(
                 to + whole_lines(panels.count * panels.stride * sizeof(std::uint16_t))));
}

void GemmHalf::multiply(std::span<const GemmTap> taps, std::size_t depth, std::size_t rows,
                        const std::byte* packed, const MatrixSize& size, GemmScratch& scratch,
                        const GemmOutput& output) const noexcept {
  const Panels panels(size);
  const auto* data = reinterpret_cast<const std::uint16_t*>(packed);
  const auto* bias = reinterpret_cast<const float*>(
      packed + whole_lines(panels.count * panels.stride * sizeof(std::uint16_t)));
  const bool few = rows <= kFewRows;
  if (!few) fill_table(taps, rows, scratch);
  float* const panel = scratch.floats();
  for (std::size_t p = 0; p < panels.count; ++p) {
    floats_of_halves(data + p * panels.stride, panels.stride, type_ == DataType::f16, panel);
    const std::size_t column = p * panels.columns;
    GemmOutput part = output;
    part.base += column;
    if (part.residual != nullptr) part.residual += column;
    const std::size_t columns = size.result_columns() - column;
    if (few) {
      multiply_few_rows({taps, depth, 0, rows, panel, 1, panels.stride, columns,
                         bias + p * panels.width, panels.narrow, scratch.zeros(), &part, false});
    } else {
      gemm_multiply({scratch.table(), scratch.weight_rows(), taps.size(), depth, rows, panel, 1,
                     panels.stride, columns, bias + p * panels.width, panels.narrow, &part});
    }
  }
}

const GemmKernel& gemm_half_kernel(DataType type) {
  static const GemmHalf f16(DataType::f16);
  static const GemmHalf bf16(DataType::bf16);
  return type == DataType::f16 ? f16 : bf16;
}

}  // namespace metalaudio::nn::cpu
