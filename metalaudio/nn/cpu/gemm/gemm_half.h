#pragma once

#include <metalaudio/core/data_type.h>
#include <metalaudio/nn/cpu/gemm/gemm_fp32.h>

namespace metalaudio::nn::cpu {

/// Float32 products with a matrix that stays in 16 bits, f16 or bf16: panels as GemmFp32's, each
/// converted when it is multiplied with. The values must be those of the type; then the results are
/// those of float32 weights, bit for bit.
class GemmHalf final : public GemmFp32 {
 public:
  explicit GemmHalf(DataType type) : type_(type) {}
  std::string_view name() const noexcept override;
  std::size_t packed_bytes(const MatrixSize& size) const noexcept override;
  void pack(const MatrixView& matrix, const MatrixSize& size, const float* bias,
            std::byte* to) const noexcept override;
  void multiply(std::span<const GemmTap> taps, std::size_t depth, std::size_t rows,
                const std::byte* packed, const MatrixSize& size, GemmScratch& scratch,
                const GemmOutput& output) const noexcept override;
  GemmNeeds needs(const MatrixSize& size, std::size_t taps, std::size_t rows,
                  std::size_t depth) const noexcept override {
    return {taps, rows, depth, Panels(size).stride};
  }

 private:
  DataType type_;
};

/// The kernel for weights of f16 or bf16.
const GemmKernel& gemm_half_kernel(DataType type);

}  // namespace metalaudio::nn::cpu
