#include <metalaudio/nn/cpu/gemm/gemm.h>
#include <metalaudio/nn/cpu/gemm/gemm_bf16.h>
#include <metalaudio/nn/cpu/gemm/gemm_fp32.h>
#include <metalaudio/nn/cpu/gemm/gemm_pairs.h>

namespace metalaudio::nn::cpu {

namespace {

template <typename T>
void grow(Array<T>& array, std::size_t size) {
  if (array.size() < size) array = Array<T>(size);
}

}  // namespace

void GemmScratch::reserve(const GemmNeeds& needs) {
  const std::size_t tile = gemm_tile_rows();
  grow(taps_, needs.taps);
  grow(converted_taps_, needs.taps);
  grow(table_, (needs.rows + tile - 1) / tile * tile * needs.taps);
  grow(weight_rows_, needs.taps);
  grow(zeros_, needs.depth);
  grow(floats_, needs.floats);
}

const GemmKernel& gemm_kernel(Precision precision) {
  static const GemmFp32 fp32;
  static const GemmBf16 bf16;
  using Unit = GemmPairs::Unit;
  static const GemmPairs amx(Unit::tiles);
  static const GemmPairs amx_of_two(Unit::tiles, 2);
  static const GemmPairs avx512(Unit::vectors);
  const bool tiles = GemmPairs::available(Unit::tiles);
  if (precision == Precision::automatic && tiles) return amx_of_two;
  if (precision != Precision::bf16) return fp32;
  if (tiles) return amx;
  if (GemmPairs::available(Unit::vectors)) return avx512;
  return bf16;
}

PackedMatrix::PackedMatrix(const GemmKernel& kernel, std::span<const float> weights,
                           std::span<const float> bias, const MatrixSize& size)
    : kernel_(&kernel), size_(size), data_(kernel.packed_bytes(size)) {
  kernel.pack({weights.data(), static_cast<std::ptrdiff_t>(size.depth), 1}, size,
              bias.empty() ? nullptr : bias.data(), data_.data());
}

}  // namespace metalaudio::nn::cpu
