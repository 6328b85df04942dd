#pragma once

#include <metalaudio/nn/cpu/gemm/gemm_fp32.h>

namespace metalaudio::nn::cpu {

/// Products of factors rounded to bfloat16, added in float32: right on every processor and no
/// faster than float32, for those without AMX and AVX512-BF16.
class GemmBf16 final : public GemmFp32 {
 public:
  std::string_view name() const noexcept override { return "bf16 in fp32"; }
  void pack(const MatrixView& matrix, const MatrixSize& size, const float* bias,
            std::byte* to) const noexcept override;
  void multiply(std::span<const GemmTap> taps, std::size_t depth, std::size_t rows,
                const std::byte* packed, const MatrixSize& size, GemmScratch& scratch,
                const GemmOutput& output) const noexcept override;
  GemmNeeds needs(const MatrixSize&, std::size_t taps, std::size_t rows,
                  std::size_t depth) const noexcept override {
    return {taps, rows, depth, taps * rows * depth};
  }
};

}  // namespace metalaudio::nn::cpu
