#include <metalaudio/nn/cpu/gemm/avx512_bf16.h>
#include <metalaudio/nn/cpu/gemm/pair_products.h>

#include <cstring>

namespace metalaudio::nn::cpu {

namespace {

/// Of a block: two vectors of sums for each, two of the matrix and a pair of the row fit into 32
/// registers.
constexpr std::size_t kRows = 12;

void nothing() noexcept {}

#if defined(METALAUDIO_BF16)

METALAUDIO_BF16 inline __m512bh pairs_at(const BFloat16* from) noexcept {
  __m512bh pairs;
  std::memcpy(&pairs, from, sizeof pairs);
  return pairs;
}

/// The same pair of depths of a row beside each column.
METALAUDIO_BF16 inline __m512bh repeated_pair(const BFloat16* from) noexcept {
  int bits = 0;
  std::memcpy(&bits, from, sizeof bits);
  const __m512i all = _mm512_set1_epi32(bits);
  __m512bh pairs;
  std::memcpy(&pairs, &all, sizeof pairs);
  return pairs;
}

template <std::size_t kVectors>
METALAUDIO_BF16 void multiply_rows(const PairBlock& block) noexcept {
  __m512 sums[kRows * kVectors];
  for (std::size_t v = 0; v < kVectors; ++v) {
    const __m512 start = block.bias == nullptr ? _mm512_setzero_ps()
                                               : _mm512_loadu_ps(block.bias + v * kPairTileColumns);
#pragma GCC unroll 12
    for (std::size_t r = 0; r < kRows; ++r) sums[r * kVectors + v] = start;
  }
  for (const PairOperand& operand : block.operands) {
    const std::size_t stride = operand.stride;
    const BFloat16* a = operand.base + block.row * stride;
    const BFloat16* b = block.panel + operand.first_block * 2 * kPairTileElements;
    for (std::size_t i = 0; i < operand.blocks;
         ++i, a += kPairTileDepth, b += 2 * kPairTileElements) {
      for (std::size_t k = 0; k < kPairTileDepth; k += 2) {
        const __m512bh low = pairs_at(b + k * kPairTileColumns);
        const __m512bh high =
            pairs_at(b + k * kPairTileColumns + (kVectors - 1) * kPairTileElements);
#pragma GCC unroll 12
        for (std::size_t r = 0; r < kRows; ++r) {
          const __m512bh x = repeated_pair(a + r * stride + k);
          sums[r * kVectors] = _mm512_dpbf16_ps(sums[r * kVectors], x, low);
          if constexpr (kVectors == 2) sums[2 * r + 1] = _mm512_dpbf16_ps(sums[2 * r + 1], x, high);
        }
      }
    }
  }
#pragma GCC unroll 12
  for (std::size_t r = 0; r < kRows; ++r) {
    float* to = block.to + static_cast<std::ptrdiff_t>(r) * block.to_stride;
    for (std::size_t v = 0; v < kVectors; ++v) {
      _mm512_storeu_ps(to + v * kPairTileColumns, sums[r * kVectors + v]);
    }
  }
}

void multiply(const PairBlock& block) noexcept {
  block.narrow ? multiply_rows<1>(block) : multiply_rows<2>(block);
}

#else

void multiply(const PairBlock&) noexcept {}

#endif

}  // namespace

const PairProducts& avx512_products() noexcept {
  static constexpr PairProducts kProducts{kRows, nothing, multiply, nothing};
  return kProducts;
}

}  // namespace metalaudio::nn::cpu
