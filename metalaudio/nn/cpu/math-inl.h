// Vector math shared by the CPU kernels; included once per instruction set by their foreach_target.
#if defined(METALAUDIO_NN_CPU_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_NN_CPU_MATH_INL_H_
#undef METALAUDIO_NN_CPU_MATH_INL_H_
#else
#define METALAUDIO_NN_CPU_MATH_INL_H_
#endif

#include <hwy/highway.h>
#include <metalaudio/nn/fusion/activation_of.h>

#include <cstring>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVec = hn::Vec<FloatTag>;

// Every function below takes any float: it gives the limit at an infinity, and NaN for NaN. Errors
// are the largest over all finite floats against double, in ulp of the exact result, with and
// without FMA; tests/nn/math_test.cpp holds them on every instruction set. Polynomials are minimax
// fits of the form beside them, in relative error.

/// a / b for b from 1 to 100. Error: 0.6 ulp.
HWY_INLINE FloatVec quotient([[maybe_unused]] FloatTag d, FloatVec a, FloatVec b) {
#if HWY_TARGET == HWY_AVX3
  // A division keeps its unit busy for 16 cycles; the guess has 14 bits, and one step doubles them.
  const FloatVec guess{_mm512_rcp14_ps(b.raw)};
  const auto q = hn::Mul(a, guess);
  return hn::MulAdd(hn::NegMulAdd(q, b, a), guess, q);
#else
  return hn::Div(a, b);
#endif
}

/// e^x. Error: 1 ulp, denormal results included.
HWY_INLINE FloatVec exp(FloatTag d, FloatVec x) {
#if HWY_TARGET == HWY_AVX3
  // Outside ±104 the result is 0 or infinity. In this order minimum and maximum keep NaN.
  x = hn::Max(hn::Set(d, -104.0F), hn::Min(hn::Set(d, 104.0F), x));
#endif
  // x = n ln 2 + r. Adding 1.5 · 2^23 rounds to an integer and leaves it in the low bits; the first
  // part of ln 2 has 16 bits, so that n times it is exact.
  const auto magic = hn::Set(d, 12582912.0F);
  const auto shifted = hn::MulAdd(x, hn::Set(d, 1.44269504F), magic);
  const auto n = hn::Sub(shifted, magic);
  const auto r_high = hn::NegMulAdd(n, hn::Set(d, 0.693145751953125F), x);
  const auto r_low = hn::Mul(n, hn::Set(d, 1.42860677e-6F));
  const auto r = hn::Sub(r_high, r_low);
  // e^r = 1 + r + r^2 P(r), the largest parts last
  const auto r2 = hn::Mul(r, r);
  const auto low = hn::MulAdd(r, hn::Set(d, 0.166665196F), hn::Set(d, 0.49999994F));
  const auto high = hn::MulAdd(r, hn::Set(d, 8.36889911e-3F), hn::Set(d, 0.0416684076F));
  const auto p = hn::MulAdd(hn::MulAdd(r2, hn::Set(d, 1.38142193e-3F), high), r2, low);
  const auto y = hn::Add(hn::Add(hn::MulSub(p, r2, r_low), r_high), hn::Set(d, 1.0F));
#if HWY_TARGET == HWY_AVX3
  return FloatVec{_mm512_scalef_ps(y.raw, n.raw)};
#else
  // In two steps, since 2^n alone may leave the range of float.
  const hn::RebindToSigned<FloatTag> di;
  const auto exponent = hn::Sub(hn::BitCast(di, shifted), hn::BitCast(di, magic));
  const auto half = hn::ShiftRight<1>(exponent);
  const auto bias = hn::Set(di, 127);
  const auto power1 = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(half, bias)));
  const auto power2 = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(hn::Sub(exponent, half), bias)));
  const auto scaled = hn::Mul(hn::Mul(y, power1), power2);
  // Outside ±104 the result is 0 or infinity, and the steps above mean nothing far outside.
  const auto infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  const auto bounded = hn::IfThenElse(hn::Gt(x, hn::Set(d, 104.0F)), infinity, scaled);
  return hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -104.0F)), bounded);
#endif
}

/// Of coefficients from the highest power down.
template <std::size_t kCount>
HWY_INLINE FloatVec polynomial(FloatTag d, FloatVec x, const float (&coefficients)[kCount]) {
  auto p = hn::Set(d, coefficients[0]);
  HWY_UNROLL(8)
  for (std::size_t i = 1; i < kCount; ++i) p = hn::MulAdd(p, x, hn::Set(d, coefficients[i]));
  return p;
}

/// 2^x for |x| <= 1/2, from the highest power down: a minimax fit, 3e-9.
constexpr float kPowerOfTwo[] = {
    1.532647e-4F, 1.33908074e-3F, 9.61850584e-3F, 0.0555035993F, 0.240226477F, 0.693147182F, 1.0F};

/// 2^x for x <= 0; from -126 down it stays at 2^-126. Error: 1.2 ulp.
HWY_INLINE FloatVec exp2_of_negative(FloatTag d, FloatVec x) {
  // In this order the maximum keeps NaN.
  x = hn::Max(hn::Set(d, -126.0F), x);
  // Adding it rounds to an integer n, and leaves n + 127, the exponent of 2^n, in the low bits.
  const auto magic = hn::Set(d, 12582912.0F + 127.0F);
  const auto shifted = hn::Add(x, magic);
  const auto r = hn::Sub(x, hn::Sub(shifted, magic));
  const auto p = polynomial(d, r, kPowerOfTwo);
  const hn::RebindToUnsigned<FloatTag> du;
  return hn::Mul(p, hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(du, shifted))));
}

/// e^x for x <= 0. Error: 1 ulp, denormal results included.
HWY_INLINE FloatVec exp_of_negative(FloatTag d, FloatVec x) {
  // Below -104 the result is 0. In this order the maximum keeps NaN.
  x = hn::Max(hn::Set(d, -104.0F), x);
  // As in exp(), but that the low bits hold n + 127 + 24: 2^(n + 24) is a normal number.
  const auto magic = hn::Set(d, 12582912.0F + 151.0F);
  const auto shifted = hn::MulAdd(x, hn::Set(d, 1.44269504F), magic);
  const auto n = hn::Sub(shifted, magic);
  const auto r_high = hn::NegMulAdd(n, hn::Set(d, 0.693145751953125F), x);
  const auto r = hn::NegMulAdd(n, hn::Set(d, 1.42860677e-6F), r_high);
  const auto r2 = hn::Mul(r, r);
  const auto low = hn::MulAdd(r, hn::Set(d, 0.166665196F), hn::Set(d, 0.49999994F));
  const auto high = hn::MulAdd(r, hn::Set(d, 8.36889911e-3F), hn::Set(d, 0.0416684076F));
  const auto p = hn::MulAdd(hn::MulAdd(r2, hn::Set(d, 1.38142193e-3F), high), r2, low);
  const auto y = hn::Add(hn::MulAdd(p, r2, r), hn::Set(d, 1.0F));
#if HWY_TARGET == HWY_AVX3
  return FloatVec{_mm512_scalef_ps(y.raw, n.raw)};
#else
  const hn::RebindToUnsigned<FloatTag> du;
  const auto power = hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(du, shifted)));
  return hn::Mul(hn::Mul(y, power), hn::Set(d, 0x1p-24F));
#endif
}

/// 1 / (1 + e^-x). Error: 2.2 ulp, denormal results included.
HWY_INLINE FloatVec sigmoid(FloatTag d, FloatVec x) {
  // With e = e^-|x| nothing overflows, and small results keep their digits.
  const auto one = hn::Set(d, 1.0F);
  const auto e = exp_of_negative(d, hn::Or(x, hn::SignBit(d)));  // of -|x|
  return quotient(d, hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
}

/// Error: 2 ulp.
HWY_INLINE FloatVec tanh(FloatTag d, FloatVec x) {
  // x + x^3 P(x^2) below 0.625, where the other form would cancel.
  const auto magnitude = hn::Abs(x);
  const auto x2 = hn::Mul(x, x);
  auto p = hn::Set(d, -5.70499059e-3F);
  p = hn::MulAdd(p, x2, hn::Set(d, 0.0206390899F));
  p = hn::MulAdd(p, x2, hn::Set(d, -0.0537397154F));
  p = hn::MulAdd(p, x2, hn::Set(d, 0.133314416F));
  p = hn::MulAdd(p, x2, hn::Set(d, -0.333332807F));
  const auto small = hn::MulAdd(hn::Mul(x2, x), p, x);
  const auto one = hn::Set(d, 1.0F);
  const auto e = exp(d, hn::Add(magnitude, magnitude));
  const auto large = hn::Sub(one, hn::Div(hn::Set(d, 2.0F), hn::Add(e, one)));
  return hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0.625F)), small, hn::CopySign(large, x));
}

/// tanh for audio, at a third of the time. Error: 2e-5, absolute; ±0.99999 from ±6 on.
HWY_INLINE FloatVec fast_tanh(FloatTag d, FloatVec x) {
  // x P(x^2) / Q(x^2), the minimax fit on [0, 6]. In this order minimum and maximum keep NaN.
  const auto limit = hn::Set(d, 6.0F);
  x = hn::Max(hn::Neg(limit), hn::Min(limit, x));
  const auto x2 = hn::Mul(x, x);
  auto p = hn::MulAdd(hn::Set(d, 1.49591263e-3F), x2, hn::Set(d, 0.114479296F));
  p = hn::Mul(hn::MulAdd(p, x2, hn::Set(d, 0.999971109F)), x);
  auto q = hn::MulAdd(hn::Set(d, 5.52066615e-5F), x2, hn::Set(d, 0.0174897178F));
  q = hn::MulAdd(hn::MulAdd(q, x2, hn::Set(d, 0.447721131F)), x2, hn::Set(d, 1.0F));
  // A division keeps its unit busy for 16 cycles; the guess has 11 bits or more, this doubles them.
  const auto guess = hn::ApproximateReciprocal(q);
  const auto r = hn::Mul(guess, p);
  return hn::MulAdd(r, hn::NegMulAdd(q, guess, hn::Set(d, 1.0F)), r);
}

/// P of s P(s) e^(-t²/2), s = 1 / (1 + kTailScale t), which is the tail of the normal distribution: the
/// form of Abramowitz and Stegun 7.1.26. Its weight in the fit falls with e^(-t²/2) down to 0.01.
constexpr float kTailScale = 0.29F;
constexpr float kNormalTail[] = {0.036169976F, -0.17697008F,  0.272462457F, -0.112016752F,
                                 0.158522755F, 0.0882108957F, 0.118057922F, 0.115562834F};

/// 1 - Φ(t) for t from 0 to 300, Φ the normal distribution. Error: 2e-8.
HWY_INLINE FloatVec normal_tail(FloatTag d, FloatVec t) {
  const auto one = hn::Set(d, 1.0F);
  const auto s = quotient(d, one, hn::MulAdd(hn::Set(d, kTailScale), t, one));
  const auto p = polynomial(d, s, kNormalTail);
  const auto e = exp_of_negative(d, hn::Mul(hn::Mul(t, hn::Set(d, -0.5F)), t));
  return hn::Mul(hn::Mul(p, s), e);
}

/// Error: 2 ulp.
HWY_INLINE FloatVec erf(FloatTag d, FloatVec x) {
  // x + x P(x^2) below 1, where the other form would cancel.
  const auto magnitude = hn::Abs(x);
  const auto x2 = hn::Mul(x, x);
  auto p = hn::Set(d, 7.85402517e-5F);
  p = hn::MulAdd(p, x2, hn::Set(d, -8.01024726e-4F));
  p = hn::MulAdd(p, x2, hn::Set(d, 5.18833427e-3F));
  p = hn::MulAdd(p, x2, hn::Set(d, -0.0268538166F));
  p = hn::MulAdd(p, x2, hn::Set(d, 0.112835854F));
  p = hn::MulAdd(p, x2, hn::Set(d, -0.37612626F));
  p = hn::MulAdd(p, x2, hn::Set(d, 0.128379166F));
  const auto small = hn::MulAdd(x, p, x);
  const auto one = hn::Set(d, 1.0F);
  // The tail is zero from 15 on.
  const auto limit = hn::Set(d, 15.0F);
  const auto bounded = hn::Min(limit, magnitude);  // in this order NaN stays
  const auto tail = normal_tail(d, hn::Mul(bounded, hn::Set(d, 1.41421356F)));
  const auto large = hn::NegMulAdd(hn::Set(d, 2.0F), tail, one);
  return hn::IfThenElse(hn::Lt(magnitude, one), small, hn::CopySign(large, x));
}

/// max(x, limit) that keeps NaN: x86 gives the second one where either is NaN.
HWY_INLINE FloatVec at_least(FloatVec x, FloatVec limit) { return hn::Max(limit, x); }

/// x · Φ(x), torch.nn.functional.gelu(approximate="none") but for infinities, where torch has NaN.
/// Error: 1e-7 of max(|x|, 1).
HWY_INLINE FloatVec gelu(FloatTag d, FloatVec x) {
  // max(x, 0) - |x| (1 - Φ(|x|)); the tail is zero from 15 on.
  const auto magnitude = hn::Abs(x);
  const auto limit = hn::Set(d, 15.0F);
  const auto bounded = hn::Min(limit, magnitude);  // in this order NaN stays
  const auto positive = at_least(x, hn::Zero(d));
  return hn::NegMulAdd(bounded, normal_tail(d, bounded), positive);
}

/// x · sigmoid(x), torch.nn.functional.silu but for -inf, where torch has NaN. Error: 3 ulp,
/// or 1e-43 where sigmoid(x) is denormal.
HWY_INLINE FloatVec silu(FloatTag d, FloatVec x) {
  // sigmoid is zero from -104 on, and zero times infinity would be NaN.
  return hn::Mul(at_least(x, hn::Set(d, -128.0F)), sigmoid(d, x));
}

/// torch.nn.functional.gelu(approximate="tanh") but for -inf, where torch has NaN.
/// Error: 2e-7 of max(|x|, 1).
HWY_INLINE FloatVec gelu_tanh(FloatTag d, FloatVec x) {
  // (1 + tanh(u)) / 2 = sigmoid(2u) with u = sqrt(2/pi) (x + 0.044715 x^3).
  const auto factor = hn::MulAdd(hn::Mul(x, x), hn::Set(d, 0.0713548163F), hn::Set(d, 1.59576912F));
  return hn::Mul(at_least(x, hn::Set(d, -128.0F)), sigmoid(d, hn::Mul(x, factor)));
}

/// The element-wise activations; glu pairs two halves and is the caller's.
HWY_INLINE FloatVec activate(FloatTag d, FloatVec x, Activation activation) {
  switch (activation) {
    case Activation::gelu:
      return gelu(d, x);
    case Activation::relu:
      return at_least(x, hn::Zero(d));
    case Activation::sigmoid:
      return sigmoid(d, x);
    case Activation::tanh:
      return tanh(d, x);
    case Activation::gelu_tanh:
      return gelu_tanh(d, x);
    case Activation::silu:
      return silu(d, x);
    default:
      return x;
  }
}

/// The first `count` (< Lanes) values from p, the rest zero; reads nothing past them.
HWY_INLINE FloatVec load_first(FloatTag d, const float* p, std::size_t count) {
#if HWY_TARGET == HWY_AVX3
  return hn::MaskedLoad(hn::FirstN(d, count), d, p);
#else
  HWY_ALIGN float buffer[HWY_MAX_BYTES / sizeof(float)] = {};
  std::memcpy(buffer, p, count * sizeof(float));
  return hn::Load(d, buffer);
#endif
}

/// Stores the first `count` (< Lanes) values of v at p; writes nothing past them.
HWY_INLINE void store_first(FloatTag d, FloatVec v, float* p, std::size_t count) {
#if HWY_TARGET == HWY_AVX3
  hn::BlendedStore(v, hn::FirstN(d, count), d, p);
#else
  HWY_ALIGN float buffer[HWY_MAX_BYTES / sizeof(float)];
  hn::Store(v, d, buffer);
  std::memcpy(p, buffer, count * sizeof(float));
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::nn::cpu
HWY_AFTER_NAMESPACE();

#endif
