// Functions of several vectors at once, step by step for all, so that they do not wait for one
// another; included once per instruction set, as math-inl.h is.
#if defined(METALAUDIO_NN_CPU_TOGETHER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_NN_CPU_TOGETHER_INL_H_
#undef METALAUDIO_NN_CPU_TOGETHER_INL_H_
#else
#define METALAUDIO_NN_CPU_TOGETHER_INL_H_
#endif

#include <hwy/highway.h>
#include <metalaudio/nn/cpu/math-inl.h>

#include <type_traits>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {

/// Calls body with 0 to kCount - 1 as constants, so that arrays of vectors stay in registers.
template <std::size_t kCount, typename Body>
HWY_INLINE void unrolled(Body&& body) {
  [&]<std::size_t... i>(std::index_sequence<i...>) HWY_ATTR {
    (body(std::integral_constant<std::size_t, i>()), ...);
  }
  (std::make_index_sequence<kCount>());
}

/// p = the polynomial of x for each, as math-inl.h has it.
template <std::size_t kCount, std::size_t kTerms>
HWY_INLINE void polynomials(const FloatVec* x, const float (&coefficients)[kTerms], FloatVec* p) {
  const FloatTag d;
  const auto highest = hn::Set(d, coefficients[0]);
  unrolled<kCount>([&](auto i) HWY_ATTR { p[i] = highest; });
  unrolled<kTerms - 1>([&](auto term) HWY_ATTR {
    const auto coefficient = hn::Set(d, coefficients[term + 1]);
    unrolled<kCount>([&](auto i) HWY_ATTR { p[i] = hn::MulAdd(p[i], x[i], coefficient); });
  });
}

/// What lies beyond its array does no harm.
HWY_INLINE void fetch_to_second_cache(const float* at) { __builtin_prefetch(at, 0, 2); }

/// y = 2^y for each of kCount vectors from -126 to 126, step by step for all, so that they do not wait
/// for one another. Error: 1 ulp. Smaller y give what is as small, NaN stays.
template <std::size_t kCount>
HWY_INLINE void powers_of_two(FloatVec* y) {
  const FloatTag d;
  const auto each = [](const auto& body) HWY_ATTR { unrolled<kCount>(body); };
  // y = n + f. Adding 1.5 · 2^23 rounds to an integer.
  const auto magic = hn::Set(d, 12582912.0F);
  FloatVec n[kCount];
  FloatVec p[kCount];
#if HWY_TARGET != HWY_AVX3
  each([&](auto i) HWY_ATTR { y[i] = hn::Max(hn::Set(d, -126.0F), y[i]); });
#endif
  each([&](auto i) HWY_ATTR { n[i] = hn::Add(y[i], magic); });
  each([&](auto i) HWY_ATTR { n[i] = hn::Sub(n[i], magic); });
  each([&](auto i) HWY_ATTR { y[i] = hn::Sub(y[i], n[i]); });
  polynomials<kCount>(y, kPowerOfTwo, p);
#if HWY_TARGET == HWY_AVX3
  each([&](auto i) HWY_ATTR { y[i] = FloatVec{_mm512_scalef_ps(p[i].raw, n[i].raw)}; });
#else
  const hn::RebindToSigned<FloatTag> di;
  each([&](auto i) HWY_ATTR {
    const auto exponent = hn::Add(hn::NearestInt(n[i]), hn::Set(di, 127));
    y[i] = hn::Mul(p[i], hn::BitCast(d, hn::ShiftLeft<23>(exponent)));
  });
#endif
}

/// y = 1 / y for each, from 1 to 2^126. Error: 1 ulp.
template <std::size_t kCount>
HWY_INLINE void reciprocals(FloatVec* y) {
  const FloatTag d;
  const auto one = hn::Set(d, 1.0F);
#if HWY_TARGET == HWY_AVX3
  FloatVec guess[kCount];
  unrolled<kCount>([&](auto i) HWY_ATTR { guess[i] = FloatVec{_mm512_rcp14_ps(y[i].raw)}; });
  unrolled<kCount>([&](auto i) HWY_ATTR { y[i] = hn::NegMulAdd(y[i], guess[i], one); });
  unrolled<kCount>([&](auto i) HWY_ATTR { y[i] = hn::MulAdd(y[i], guess[i], guess[i]); });
#else
  unrolled<kCount>([&](auto i) HWY_ATTR { y[i] = hn::Div(one, y[i]); });
#endif
}

/// y = 1 / (1 + 2^y) for each. Error: 2 ulp for y up to 126, from where on it does not fall.
template <std::size_t kCount>
HWY_INLINE void open_gates(FloatVec* y) {
  const FloatTag d;
  // In this order the minimum keeps NaN.
  unrolled<kCount>([&](auto i) HWY_ATTR { y[i] = hn::Min(hn::Set(d, 126.0F), y[i]); });
  powers_of_two<kCount>(y);
  unrolled<kCount>([&](auto i) HWY_ATTR { y[i] = hn::Add(y[i], hn::Set(d, 1.0F)); });
  reciprocals<kCount>(y);
}

/// x = gelu(x) for each, as math-inl.h has it, and as exact.
template <std::size_t kCount>
HWY_INLINE void gelus(FloatVec* x) {
  const FloatTag d;
  const auto each = [](const auto& body) HWY_ATTR { unrolled<kCount>(body); };
  FloatVec t[kCount];
  FloatVec s[kCount];
  FloatVec e[kCount];
  FloatVec p[kCount];
  each([&](auto i) HWY_ATTR { t[i] = hn::Min(hn::Set(d, 15.0F), hn::Abs(x[i])); });
  each([&](auto i) HWY_ATTR {
    s[i] = hn::MulAdd(hn::Set(d, kTailScale), t[i], hn::Set(d, 1.0F));
    e[i] = hn::Mul(hn::Mul(t[i], hn::Set(d, -0.721347520F)), t[i]);  // log2(e) / 2
  });
  reciprocals<kCount>(s);
  polynomials<kCount>(s, kNormalTail, p);
  each([&](auto i) HWY_ATTR { p[i] = hn::Mul(hn::Mul(p[i], s[i]), t[i]); });
  powers_of_two<kCount>(e);
  each([&](auto i) HWY_ATTR { x[i] = hn::NegMulAdd(p[i], e[i], hn::Max(hn::Zero(d), x[i])); });
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::nn::cpu
HWY_AFTER_NAMESPACE();

#endif
