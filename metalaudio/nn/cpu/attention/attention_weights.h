#pragma once

// Scores as they become weights, for the file that multiplies both.
#if defined(__x86_64__) && defined(__linux__)

#include <immintrin.h>
#include <metalaudio/core/half.h>
#include <metalaudio/nn/cpu/attention/attention_rounded.h>
#include <metalaudio/nn/cpu/gemm/pair_products.h>

#include <cstddef>
#include <cstdint>

#define METALAUDIO_AMX                                                          \
  __attribute__((                                                               \
      target("amx-tile,amx-bf16,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16," \
             "avx512vbmi")))
#define METALAUDIO_INLINE METALAUDIO_AMX inline __attribute__((always_inline))

namespace metalaudio::nn::cpu {

// GCC warns of the undefined vectors in the forms without a mask.
constexpr __mmask16 kAllLanes = 0xFFFF;

/// Scores are counted in fractions of a power of two.
constexpr float kUnits = 256;

/// How far 2^f lies below 1 + f, in units, for f in steps of 1/64.
struct AttentionSag {
  alignas(64) std::uint8_t at[64];
};
constexpr AttentionSag kSag = [] {
  AttentionSag sag{};
  double power = 1.0054299011128027;  // 2^(1/128)
  for (std::size_t i = 0; i < 64; ++i) {
    const double above = (static_cast<double>(i) + 0.5) / 64 - (power - 1);
    sag.at[i] = static_cast<std::uint8_t>(kUnits * above + 0.5);
    power *= 1.0108892860517005;  // 2^(1/64)
  }
  return sag;
}();

/// The greater one, lane by lane; NaN where one is NaN.
METALAUDIO_AMX inline __m512 greater(__m512 a, __m512 b) noexcept {
  return _mm512_mask_mov_ps(_mm512_maskz_max_ps(kAllLanes, a, b),
                            _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), a);
}

METALAUDIO_AMX inline float greatest(__m512 v) noexcept {
  v = greater(v, _mm512_maskz_shuffle_f32x4(kAllLanes, v, v, 0x4E));
  v = greater(v, _mm512_maskz_shuffle_f32x4(kAllLanes, v, v, 0xB1));
  v = greater(v, _mm512_maskz_permute_ps(kAllLanes, v, 0x4E));
  return _mm512_cvtss_f32(greater(v, _mm512_maskz_permute_ps(kAllLanes, v, 0xB1)));
}

/// Scores of one query and 32 keys as weights. What is too large or NaN becomes NaN.
METALAUDIO_AMX inline __m512i weights_of(__m512i left, __m512i right) noexcept {
  const __m512i units = _mm512_packus_epi32(left, right);
  constexpr __mmask64 kLowBytes = 0x5555555555555555;
  const __m512i below = _mm512_maskz_permutexvar_epi8(kLowBytes, _mm512_srli_epi16(units, 2),
                                                      _mm512_load_si512(kSag.at));
  return _mm512_avg_epu16(_mm512_subs_epu16(units, below), _mm512_setzero_si512());
}

/// Adding it rounds to whole numbers, which lie in the low bits.
constexpr float kMagic = 12582912.0F;
/// Units of a score and its start with what is added above; large ones and NaN are large.
METALAUDIO_AMX inline __m512i units_of(__m512 score, __m512 start) noexcept {
  return _mm512_sub_epi32(_mm512_castps_si512(_mm512_add_ps(score, start)),
                          _mm512_castps_si512(_mm512_set1_ps(kMagic)));
}
/// The same of scores however small, and zero where there is no key.
METALAUDIO_AMX inline __m512i exact_units_of(__m512 score, __m512 start, __mmask16 keys) noexcept {
  const __m512 sum = _mm512_add_ps(_mm512_add_ps(score, start), _mm512_set1_ps(127 * kUnits));
  // Of a NaN the second operand comes.
  return _mm512_maskz_cvtps_epi32(keys,
                                  _mm512_maskz_min_ps(kAllLanes, sum, _mm512_set1_ps(65535.0F)));
}

/// How far the scores of 32 queries and 32 keys have become weights.
template <bool kExact>
struct Weighing {
  const float* scores = nullptr;
  const float* starts = nullptr;
  BFloat16* to = nullptr;
  __mmask16 left = 0;  ///< keys that there are
  __mmask16 right = 0;
  std::size_t rows_left = RoundedAttention::kQueries;

  bool done() const noexcept { return to == nullptr || rows_left == 0; }

  template <std::size_t kCount>
  METALAUDIO_INLINE void rows() noexcept {
    if (done()) return;
    for (std::size_t i = 0; i < kCount; ++i) {
      const __m512 start = _mm512_set1_ps(starts[i]);
      const __m512 a = _mm512_load_ps(scores + i * kPairTileDepth);
      const __m512 b = _mm512_load_ps(scores + i * kPairTileDepth + kPairTileColumns);
      __m512i weights;
      if constexpr (kExact) {
        weights = weights_of(exact_units_of(a, start, left), exact_units_of(b, start, right));
      } else {
        weights = weights_of(units_of(a, start), units_of(b, start));
      }
      _mm512_store_si512(to + i * kPairTileDepth, weights);
    }
    scores += kCount * kPairTileDepth;
    starts += kCount;
    to += kCount * kPairTileDepth;
    rows_left -= kCount;
  }
};

}  // namespace metalaudio::nn::cpu

#endif
