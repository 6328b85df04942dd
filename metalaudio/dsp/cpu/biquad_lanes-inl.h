// Sections of many channels, a channel to a lane, compiled for each instruction set.
#include <metalaudio/dsp/cpu/biquad_kernels.h>

#include <hwy/highway.h>

#if defined(METALAUDIO_DSP_BIQUAD_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_DSP_BIQUAD_LANES_INL_H_
#undef METALAUDIO_DSP_BIQUAD_LANES_INL_H_
#else
#define METALAUDIO_DSP_BIQUAD_LANES_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// kCount sections over a whole tile, their states in registers.
template <std::size_t kCount, bool kMirrored, class T>
HWY_NOINLINE void lanes_pass(T* sections, T* x, std::size_t frames) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  constexpr std::size_t kLanes = hn::MaxLanes(decltype(d)());
  const auto row = [&](std::size_t k, std::size_t r) {
    return sections + (k * kBiquadLaneRows + r) * kLanes;
  };
  V s1[kCount];
  V s2[kCount];
#pragma GCC unroll 4
  for (std::size_t k = 0; k < kCount; ++k) {
    s1[k] = hn::Load(d, row(k, kState1));
    s2[k] = hn::Load(d, row(k, kState2));
  }
  for (T* const end = x + frames * kLanes; x != end; x += kLanes) {
    V v = hn::Load(d, x);
#pragma GCC unroll 4
    for (std::size_t k = 0; k < kCount; ++k) {
      const V y = hn::MulAdd(hn::Load(d, row(k, kBeta0)), v, s1[k]);
      const V in1 = hn::MulAdd(hn::Load(d, row(k, kGamma1)), v, s2[k]);
      const V change1 = hn::NegMulAdd(hn::Load(d, row(k, kAlpha1)), s1[k], in1);
      if constexpr (kMirrored) {
        const V sigma = hn::Load(d, row(k, kSigma));
        const V in2 = hn::Mul(hn::Load(d, row(k, kGamma2)), v);
        const V change2 = hn::NegMulAdd(hn::Load(d, row(k, kAlpha2)), s1[k], in2);
        s1[k] = hn::MulAdd(sigma, s1[k], change1);
        s2[k] = hn::MulAdd(sigma, s2[k], change2);
      } else {
        const V in2 = hn::MulAdd(hn::Load(d, row(k, kGamma2)), v, s2[k]);
        s2[k] = hn::NegMulAdd(hn::Load(d, row(k, kAlpha2)), s1[k], in2);
        s1[k] = hn::Add(s1[k], change1);
      }
      v = y;
    }
    hn::Store(v, d, x);
  }
#pragma GCC unroll 4
  for (std::size_t k = 0; k < kCount; ++k) {
    hn::Store(s1[k], d, row(k, kState1));
    hn::Store(s2[k], d, row(k, kState2));
  }
}

template <bool kMirrored, class T>
HWY_INLINE void lanes_passes(T* sections, std::size_t count, T* x, std::size_t frames) {
  constexpr std::size_t kSize = kBiquadLaneRows * hn::MaxLanes(hn::ScalableTag<T>());
  for (; count >= 4; count -= 4, sections += 4 * kSize) {
    lanes_pass<4, kMirrored>(sections, x, frames);
  }
  if (count == 3) lanes_pass<3, kMirrored>(sections, x, frames);
  if (count == 2) lanes_pass<2, kMirrored>(sections, x, frames);
  if (count == 1) lanes_pass<1, kMirrored>(sections, x, frames);
}

template <class T>
void lanes(T* sections, std::size_t count, bool mirrored, T* x, std::size_t frames) {
  if (mirrored) return lanes_passes<true>(sections, count, x, frames);
  lanes_passes<false>(sections, count, x, frames);
}

inline bool sanitize(float* x, std::size_t n) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  constexpr std::size_t kLanes = hn::MaxLanes(decltype(d)());
  // As integers, magnitudes compare like floats, and NaN is the largest of all.
  auto largest = hn::Zero(di);
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    largest = hn::Max(largest, hn::BitCast(di, hn::Abs(hn::LoadU(d, x + i))));
  }
  const auto limit = hn::BitCast(di, hn::Set(d, kLargestSample));
  bool fine = hn::AllFalse(di, hn::Gt(largest, limit));
  for (std::size_t j = i; j < n; ++j)
    fine = fine && x[j] <= kLargestSample && x[j] >= -kLargestSample;
  if (fine) return true;
  for (std::size_t j = 0; j < n; ++j) {
    if (!(x[j] <= kLargestSample && x[j] >= -kLargestSample)) x[j] = 0.0F;
  }
  return false;
}

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
