// Sections of many channels, a channel to a lane, in double, compiled for each instruction set.
#include <metalaudio/dsp/biquad/cpu/biquad_kernels.h>

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
template <std::size_t kCount>
struct LaneSections {
  using D = hn::ScalableTag<double>;
  using V = hn::Vec<D>;
  static constexpr std::size_t kLanes = hn::MaxLanes(D());
  double* sections;
  V s1[kCount > 0 ? kCount : 1];
  V s2[kCount > 0 ? kCount : 1];

  HWY_INLINE double* row(std::size_t k, std::size_t r) const {
    return sections + (k * kBiquadLaneRows + r) * kLanes;
  }
  HWY_INLINE explicit LaneSections(double* from) : sections(from) {
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
      const V in2 = hn::MulAdd(hn::Load(d, row(k, kGamma2)), v, s2[k]);
      s2[k] = hn::NegMulAdd(hn::Load(d, row(k, kAlpha2)), s1[k], in2);
      s1[k] = hn::Add(s1[k], change1);
      v = y;
    }
    return v;
  }
};

/// kCount sections over a whole tile: the second half of them one frame behind the first, so that
/// neither waits for the other.
template <std::size_t kCount>
HWY_NOINLINE void lanes_pass(double* sections, double* x, std::size_t frames) {
  const hn::ScalableTag<double> d;
  constexpr std::size_t kLanes = hn::MaxLanes(decltype(d)());
  constexpr std::size_t kFirst = (kCount + 1) / 2;
  if (frames == 0) return;
  LaneSections<kFirst> first(sections);
  LaneSections<kCount - kFirst> second(first.row(kFirst, 0));
  auto between = first.run(hn::Load(d, x));
  for (std::size_t f = 1; f < frames; ++f, x += kLanes) {
    const auto next = first.run(hn::Load(d, x + kLanes));
    hn::Store(second.run(between), d, x);
    between = next;
  }
  hn::Store(second.run(between), d, x);
  first.store();
  second.store();
}

inline void lanes(double* sections, std::size_t count, double* x, std::size_t frames) {
  constexpr std::size_t kLanes = hn::MaxLanes(hn::ScalableTag<double>());
  const auto pass = [&](auto size) HWY_ATTR {
    lanes_pass<decltype(size)::value>(sections, x, frames);
    sections += size * kBiquadLaneRows * kLanes;
    count -= size;
  };
  // AVX-512 has registers for the states of eight.
  if constexpr (kLanes == 8) {
    while (count >= 8) pass(std::integral_constant<std::size_t, 8>());
  }
  while (count >= 4) pass(std::integral_constant<std::size_t, 4>());
  if (count == 3) pass(std::integral_constant<std::size_t, 3>());
  if (count == 2) pass(std::integral_constant<std::size_t, 2>());
  if (count == 1) pass(std::integral_constant<std::size_t, 1>());
}

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
