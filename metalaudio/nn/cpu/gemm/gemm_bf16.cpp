#include <metalaudio/core/half.h>
#include <metalaudio/nn/cpu/gemm/gemm_bf16.h>

namespace metalaudio::nn::cpu {

namespace {

float rounded(float x) noexcept { return static_cast<float>(BFloat16(x)); }

}  // namespace

void GemmBf16::pack(const MatrixView& matrix, const MatrixSize& size, const float* bias,
                    std::byte* to) const noexcept {
  GemmFp32::pack(matrix, size, nullptr, to);
  auto* data = reinterpret_cast<float*>(to);
  const std::size_t count = packed_bytes(size) / sizeof(float);
  for (std::size_t i = 0; i < count; ++i) data[i] = rounded(data[i]);
  if (bias != nullptr) pack_bias(size, bias, to);
}

void GemmBf16::multiply(std::span<const GemmTap> taps, std::size_t depth, std::size_t rows,
                        const std::byte* packed, const MatrixSize& size, GemmScratch& scratch,
                        const GemmOutput& output) const noexcept {
  GemmTap* converted = scratch.converted_taps();
  float* to = scratch.floats();
  for (std::size_t i = 0; i < taps.size(); ++i) {
    const GemmTap& tap = taps[i];
    converted[i] = {to, static_cast<std::ptrdiff_t>(depth), tap.first, tap.last, tap.weight_row};
    for (std::size_t r = 0; r < rows; ++r, to += depth) {
      const auto row = static_cast<std::ptrdiff_t>(r);
      if (row < tap.first || row >= tap.last) continue;
      const float* from = tap.base + row * tap.row_stride;
      for (std::size_t k = 0; k < depth; ++k) to[k] = rounded(from[k]);
    }
  }
  GemmFp32::multiply({converted, taps.size()}, depth, rows, packed, size, scratch, output);
}

}  // namespace metalaudio::nn::cpu
