// Sections of many channels, a channel to a lane, compiled for each instruction set.
#include <metalaudio/dsp/cpu/biquad_kernels.h>

#include <hwy/highway.h>

#include <type_traits>

#if defined(METALAUDIO_DSP_BIQUAD_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_DSP_BIQUAD_LANES_INL_H_
#undef METALAUDIO_DSP_BIQUAD_LANES_INL_H_
#else
#define METALAUDIO_DSP_BIQUAD_LANES_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Sections of many channels with their states in registers.
template <std::size_t kCount, bool kMirrored, class T>
struct LaneSections {
  using D = hn::ScalableTag<T>;
  using V = hn::Vec<D>;
  static constexpr std::size_t kLanes = hn::MaxLanes(D());
  T* sections;
  V s1[kCount > 0 ? kCount : 1];
  V s2[kCount > 0 ? kCount : 1];

  HWY_INLINE T* row(std::size_t k, std::size_t r) const {
    return sections + (k * kBiquadLaneRows + r) * kLanes;
  }
  HWY_INLINE explicit LaneSections(T* from) : sections(from) {
#pragma GCC unroll 8
    for (std::size_t k = 0; k < kCount; ++k) {
      s1[k] = hn::Load(D(), row(k, kState1));
      s2[k] = hn::Load(D(), row(k, kState2));
    }
  }
  HWY_INLINE void store() const {
#pragma GCC unroll 8
    for (std::size_t k = 0; k < kCount; ++k) {
      hn::Store(s1[k], D(), row(k, kState1));
      hn::Store(s2[k], D(), row(k, kState2));
    }
  }
  /// One frame through all of them.
  HWY_INLINE V run(V v) {
    const D d;
#pragma GCC unroll 8
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
    return v;
  }
};

/// kCount sections over a whole tile: the second half of them one frame behind the first, so that
/// neither waits for the other.
template <std::size_t kCount, bool kMirrored, class T>
HWY_NOINLINE void lanes_pass(T* sections, const T* in, std::size_t in_stride, T* out,
                             std::size_t out_stride, std::size_t frames) {
  const hn::ScalableTag<T> d;
  constexpr std::size_t kFirst = (kCount + 1) / 2;
  if (frames == 0) return;
  LaneSections<kFirst, kMirrored, T> first(sections);
  LaneSections<kCount - kFirst, kMirrored, T> second(first.row(kFirst, 0));
  auto between = first.run(hn::LoadU(d, in));
  for (std::size_t f = 1; f < frames; ++f, out += out_stride) {
    in += in_stride;
    const auto next = first.run(hn::LoadU(d, in));
    hn::StoreU(second.run(between), d, out);
    between = next;
  }
  hn::StoreU(second.run(between), d, out);
  first.store();
  second.store();
}

template <bool kMirrored, class T>
HWY_INLINE void lanes_passes(T* sections, std::size_t count, const T* in, std::size_t in_stride,
                             T* out, std::size_t out_stride, std::size_t frames) {
  constexpr std::size_t kLanes = hn::MaxLanes(hn::ScalableTag<T>());
  constexpr std::size_t kSize = kBiquadLaneRows * kLanes;
  const auto pass = [&](auto size) HWY_ATTR {
    lanes_pass<decltype(size)::value, kMirrored>(sections, in, in_stride, out, out_stride, frames);
    sections += size * kSize;
    count -= size;
    in = out;
    in_stride = out_stride;
  };
  // AVX-512 has registers for the states of eight.
  if constexpr (kLanes * sizeof(T) == 64) {
    while (count >= 8) pass(std::integral_constant<std::size_t, 8>());
  }
  while (count >= 4) pass(std::integral_constant<std::size_t, 4>());
  if (count == 3) pass(std::integral_constant<std::size_t, 3>());
  if (count == 2) pass(std::integral_constant<std::size_t, 2>());
  if (count == 1) pass(std::integral_constant<std::size_t, 1>());
}

template <class T>
void lanes(T* sections, std::size_t count, bool mirrored, const T* in, std::size_t in_stride,
           T* out, std::size_t out_stride, std::size_t frames) {
  if (mirrored) {
    return lanes_passes<true>(sections, count, in, in_stride, out, out_stride, frames);
  }
  lanes_passes<false>(sections, count, in, in_stride, out, out_stride, frames);
}

inline bool in_range(const float* x, std::size_t stride, std::size_t frames) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  // As integers, magnitudes compare like floats, and NaN is the largest of all.
  auto largest = hn::Zero(di);
  for (std::size_t f = 0; f < frames; ++f, x += stride) {
    largest = hn::Max(largest, hn::BitCast(di, hn::Abs(hn::LoadU(d, x))));
  }
  const auto limit = hn::BitCast(di, hn::Set(d, kLargestSample));
  return hn::AllFalse(di, hn::Gt(largest, limit));
}

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
