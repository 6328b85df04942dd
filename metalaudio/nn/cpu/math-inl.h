// Vector math shared by the CPU kernels; included once per instruction set by their foreach_target.
#if defined(METALAUDIO_NN_CPU_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_NN_CPU_MATH_INL_H_
#undef METALAUDIO_NN_CPU_MATH_INL_H_
#else
#define METALAUDIO_NN_CPU_MATH_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>
#include <metalaudio/nn/activation.h>

#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVec = hn::Vec<FloatTag>;

HWY_INLINE FloatVec sigmoid(FloatTag d, FloatVec x) {
  const auto one = hn::Set(d, 1.0F);
  return hn::Div(one, hn::Add(one, hn::Exp(d, hn::Neg(x))));
}

/// erf(x) = 1 - t P(t) exp(-x^2), t = 1/(1 + 0.4|x|): the form of Abramowitz and Stegun 7.1.26 with
/// P refitted (least squares on erfcx, absolute error of the fit 2.8e-8, of the float result 3.3e-8
/// RMS).
HWY_INLINE FloatVec erf(FloatTag d, FloatVec x) {
  const auto one = hn::Set(d, 1.0F);
  const auto magnitude = hn::Abs(x);
  const auto t = hn::Div(one, hn::MulAdd(hn::Set(d, 0.4F), magnitude, one));
  auto p = hn::Set(d, -0.20026011765003204F);
  p = hn::MulAdd(p, t, hn::Set(d, 0.7091509103775024F));
  p = hn::MulAdd(p, t, hn::Set(d, -0.3709137737751007F));
  p = hn::MulAdd(p, t, hn::Set(d, 0.4682789146900177F));
  p = hn::MulAdd(p, t, hn::Set(d, 0.161821648478508F));
  p = hn::MulAdd(p, t, hn::Set(d, 0.23192240297794342F));
  const auto e = hn::Exp(d, hn::Neg(hn::Mul(x, x)));
  return hn::CopySign(hn::NegMulAdd(hn::Mul(p, t), e, one), x);
}

/// Equals torch.nn.functional.gelu(approximate="none").
HWY_INLINE FloatVec gelu(FloatTag d, FloatVec x) {
  const auto half_x = hn::Mul(x, hn::Set(d, 0.5F));
  return hn::MulAdd(half_x, erf(d, hn::Mul(x, hn::Set(d, 0.70710678118654752F))), half_x);
}

/// The element-wise activations; glu pairs two halves and is the caller's.
HWY_INLINE FloatVec activate(FloatTag d, FloatVec x, Activation activation) {
  switch (activation) {
    case Activation::gelu:
      return gelu(d, x);
    case Activation::relu:
      return hn::Max(x, hn::Zero(d));
    case Activation::sigmoid:
      return sigmoid(d, x);
    case Activation::tanh:
      return hn::Tanh(d, x);
    default:
      return x;
  }
}

/// The first `count` (< Lanes) values from p, the rest zero; reads nothing past them.
HWY_INLINE FloatVec load_first(FloatTag d, const float* p, std::size_t count) {
  HWY_ALIGN float buffer[HWY_MAX_BYTES / sizeof(float)] = {};
  std::memcpy(buffer, p, count * sizeof(float));
  return hn::Load(d, buffer);
}

/// Stores the first `count` (< Lanes) values of v at p; writes nothing past them.
HWY_INLINE void store_first(FloatTag d, FloatVec v, float* p, std::size_t count) {
  HWY_ALIGN float buffer[HWY_MAX_BYTES / sizeof(float)];
  hn::Store(v, d, buffer);
  std::memcpy(p, buffer, count * sizeof(float));
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::nn::cpu
HWY_AFTER_NAMESPACE();

#endif
