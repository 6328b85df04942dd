#include <metalaudio/nn/cpu/gemm/gemm.h>
#include <metalaudio/nn/cpu/gemm/gemm_fp32.h>
#include <metalaudio/nn/cpu/gemm/gemm_pairs.h>
#include <metalaudio/nn/cpu/gemm/pair_rate.h>

namespace metalaudio::nn::cpu {

namespace {

template <typename T>
void grow(Array<T>& array, std::size_t size) {
  if (array.size() < size) array = Array<T>(size);
}

const GemmKernel& fp32_kernel() {
  static const GemmFp32 fp32;
  return fp32;
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
  using Unit = GemmPairs::Unit;
  static const GemmPairs amx(Unit::tiles);
  static const GemmPairs amx_of_two(Unit::tiles, 2);
  const bool tiles = GemmPairs::available(Unit::tiles);
  if (precision == Precision::automatic && tiles) return amx_of_two;
  if (precision != Precision::bf16) return fp32_kernel();
  if (tiles) return amx;
  if (!GemmPairs::available(Unit::vectors)) return fp32_kernel();
  static const double rate = measure_pair_rate();
  return bf16_kernel_without_tiles(rate);
}

const GemmKernel& bf16_kernel_without_tiles(double pair_rate) {
  static const GemmPairs avx512(GemmPairs::Unit::vectors);
  if (pairs_pay(pair_rate)) return avx512;
  return fp32_kernel();
}

const GemmKernel& float32_kernel(const GemmKernel& usual, const MatrixSize& size,
                                 std::size_t rows) {
  // Fewer rows are not worth their conversion, smaller matrices not the empty part of their tiles.
  constexpr std::size_t kRows = 64;
  constexpr std::size_t kDepth = 48;
  constexpr std::size_t kColumns = 32;
  static const GemmPairs amx(GemmPairs::Unit::tiles, 3);
  const bool pays = rows >= kRows && size.depth >= kDepth && size.columns >= kColumns;
  return pays && GemmPairs::available(GemmPairs::Unit::tiles) ? amx : usual;
}

PackedMatrix::PackedMatrix(const GemmKernel& kernel, std::span<const float> weights,
                           std::span<const float> bias, const MatrixSize& size)
    : kernel_(&kernel),
      size_(size),
      data_(Buffer(kernel.packed_bytes(size), Buffer::Content::anything)) {
  kernel.pack({weights.data(), static_cast<std::ptrdiff_t>(size.depth), 1}, size,
              bias.empty() ? nullptr : bias.data(), data_.data());
}

}  // namespace metalaudio::nn::cpu
