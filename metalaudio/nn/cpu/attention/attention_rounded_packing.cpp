#include <metalaudio/core/half.h>
#include <metalaudio/nn/cpu/attention/attention_rounded.h>
#include <metalaudio/nn/cpu/attention/attention_rounding.h>

#include <algorithm>
#include <cstring>

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>
#define METALAUDIO_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))
#endif

namespace metalaudio::nn::cpu {

namespace {

constexpr std::size_t kTile = kPairTileColumns;
constexpr std::size_t kTileDepth = kPairTileDepth;
constexpr std::size_t kTileElements = kPairTileElements;

}  // namespace

RoundedAttention::RoundedAttention(std::size_t, const HeadSize& size)
    : size_(size),
      depths_(round_up(size.depth, kTileDepth) / kTileDepth),
      columns_(round_up(size.width + 1, kTile) / kTile),
      blocks_(round_up(size.keys, kTileDepth) / kTileDepth),
      block_elements_((2 * depths_ + columns_) * kTileElements) {}

#if defined(METALAUDIO_AVX512)

namespace {

/// A NaN with a sign would be the least of scores, not NaN.
METALAUDIO_AVX512 inline bool any_not_finite(__m512i halves) noexcept {
  const __m512i exponents = _mm512_set1_epi16(0x7F80);
  return _mm512_cmpeq_epi16_mask(_mm512_and_si512(halves, exponents), exponents) != 0;
}

/// Up to 32 values of 16 channels, `ones` of whose lanes are 1: a tile of pairs of keys, in the order
/// in which _mm512_packus_epi32 leaves their weights.
METALAUDIO_AVX512 bool pack_values(const float* values, std::ptrdiff_t stride, std::size_t count,
                                   __mmask16 channels, __mmask16 ones, BFloat16* to) noexcept {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const __m512 one = _mm512_set1_ps(1.0F);
  const auto load = [&](std::size_t key) METALAUDIO_AVX512 {
    if (key >= count) return _mm512_setzero_ps();
    const float* from = values + static_cast<std::ptrdiff_t>(key) * stride;
    return _mm512_mask_mov_ps(_mm512_maskz_loadu_ps(channels, from), ones, one);
  };
  bool special = false;
  for (std::size_t pair = 0; pair < kTile; ++pair) {
    const std::size_t key = pair / 4 * 4 + pair % 2 * 2 + pair % 4 / 2 * kTile;
    const __m512i both = rounded(load(key), load(key + 1));
    special |= any_not_finite(both);
    _mm512_store_si512(to + pair * kTileDepth, _mm512_permutexvar_epi16(order, both));
  }
  return special;
}

}  // namespace

METALAUDIO_AVX512 bool RoundedAttention::pack(Rows keys, Rows values, std::size_t block,
                                              std::byte* to) const noexcept {
  const __m512i lines =
      _mm512_slli_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0), 4);
  const std::size_t first = block * kPackedKeys;
  const std::size_t end = std::min(first + kPackedKeys, size_.keys);
  bool special = false;
  for (std::size_t key = first; key < end; key += kTileDepth) {
    const std::size_t count = std::min(kTileDepth, end - key);
    const auto row = static_cast<std::ptrdiff_t>(key);
    BFloat16* tiles = reinterpret_cast<BFloat16*>(to) + key / kTileDepth * block_elements_;
    if (count < kTileDepth) {
      std::memset(static_cast<void*>(tiles), 0, 2 * depths_ * kTileElements * sizeof(BFloat16));
    }
    for (std::size_t k = 0; k < count; ++k) {
      const float* from = keys.base + (row + static_cast<std::ptrdiff_t>(k)) * keys.stride;
      for (std::size_t d = 0; d < depths_; ++d) {
        const __m512i line = rounded(from + d * kTileDepth, size_.depth - d * kTileDepth, 1);
        special |= any_not_finite(line);
        _mm512_i32scatter_epi32(
            reinterpret_cast<int*>(tiles + (2 * d + k / kTile) * kTileElements) + k % kTile, lines,
            line, 4);
      }
    }
    tiles += 2 * depths_ * kTileElements;
    for (std::size_t c = 0; c < columns_; ++c, tiles += kTileElements) {
      const std::size_t rest = size_.width - std::min(size_.width, c * kTile);
      const auto ones = static_cast<__mmask16>(rest < kTile ? 1U << rest : 0U);
      special |= pack_values(values.base + row * values.stride + c * kTile, values.stride, count,
                             first_lanes(rest), ones, tiles);
    }
  }
  return special;
}

#else

bool RoundedAttention::pack(Rows, Rows, std::size_t, std::byte*) const noexcept { return false; }

#endif

}  // namespace metalaudio::nn::cpu
