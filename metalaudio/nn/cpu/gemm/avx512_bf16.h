#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

/// Of functions that run only where the processor has AVX512-BF16.
#define METALAUDIO_BF16 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))

namespace metalaudio::nn::cpu {

/// GCC warns of the undefined vectors in the forms without a mask.
constexpr __mmask16 kAll = 0xFFFF;

}  // namespace metalaudio::nn::cpu

#endif
