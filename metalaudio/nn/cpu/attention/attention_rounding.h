#pragma once

// Rounding to bfloat16, for the files that are compiled for AVX512-BF16.
#if defined(__x86_64__) && defined(__linux__)

#include <immintrin.h>
#include <metalaudio/nn/cpu/gemm/pair_products.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#define METALAUDIO_ROUNDED __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

namespace metalaudio::nn::cpu {

METALAUDIO_ROUNDED inline __mmask16 first_lanes(std::size_t count) noexcept {
  return static_cast<__mmask16>(count >= kPairTileColumns ? 0xFFFFU : (1U << count) - 1U);
}

/// 32 bfloat16.
METALAUDIO_ROUNDED inline __m512i rounded(__m512 low, __m512 high) noexcept {
  const __m512bh both = _mm512_cvtne2ps_pbh(high, low);
  __m512i bits;
  std::memcpy(&bits, &both, sizeof bits);
  return bits;
}

/// Up to 32 floats.
METALAUDIO_ROUNDED inline __m512i rounded(const float* from, std::size_t count,
                                          float scale) noexcept {
  const __m512 factor = _mm512_set1_ps(scale);
  const std::size_t rest = count - std::min(count, kPairTileColumns);
  return rounded(
      _mm512_mul_ps(_mm512_maskz_loadu_ps(first_lanes(count), from), factor),
      _mm512_mul_ps(_mm512_maskz_loadu_ps(first_lanes(rest), from + kPairTileColumns), factor));
}

}  // namespace metalaudio::nn::cpu

#undef METALAUDIO_ROUNDED
#endif
