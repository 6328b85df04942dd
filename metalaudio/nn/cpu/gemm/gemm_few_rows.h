#pragma once

#include <metalaudio/nn/cpu/gemm/gemm_fp32.h>

namespace metalaudio::nn::cpu {

/// Float32 products of blocks that may have few rows, on panels packed as GemmFp32's. A block of
/// fewer than `tiles_from` rows is multiplied one or two rows at a time by several panels at once,
/// or by four, since a tile of a dozen rows would compute mostly what is dropped. Larger blocks go
/// in tiles of a dozen rows, and a last one of four where no more are left.
class GemmFewRows final : public GemmFp32 {
 public:
  explicit GemmFewRows(std::size_t tiles_from) : tiles_from_(tiles_from) {}
  void multiply(std::span<const GemmTap> taps, std::size_t depth, std::size_t rows,
                const std::byte* packed, const MatrixSize& size, GemmScratch& scratch,
                const GemmOutput& output) const noexcept override;

 private:
  std::size_t tiles_from_;
};

}  // namespace metalaudio::nn::cpu
