// The pass across the lanes for half as many rows as lanes, compiled for each instruction set.
#include <metalaudio/dsp/fft/cpu/real_plan.h>

#include <metalaudio/dsp/fft/cpu/columns-inl.h>

#if defined(METALAUDIO_DSP_FFT_HALF_GROUP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_DSP_FFT_HALF_GROUP_INL_H_
#undef METALAUDIO_DSP_FFT_HALF_GROUP_INL_H_
#else
#define METALAUDIO_DSP_FFT_HALF_GROUP_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

template <class D>
HWY_INLINE hn::Vec<D> swap_halves(D d, hn::Vec<D> v) {
  return hn::ConcatLowerUpper(d, v, v);
}

/// P·a + Q·b, b the halves of a exchanged; w: the vectors P and Q.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE Cx<hn::Vec<D>> combine_halves(D d, Cx<hn::Vec<D>> a, const T* w) {
  const Cx<hn::Vec<D>> b{swap_halves(d, a.re), swap_halves(d, a.im)};
  const Cx<hn::Vec<D>> q = load_row(d, w + 2 * hn::Lanes(d));
  const Cx<hn::Vec<D>> sum = mul(a, load_row(d, w));
  return {hn::NegMulAdd(b.im, q.im, hn::MulAdd(b.re, q.re, sum.re)),
          hn::MulAdd(b.im, q.re, hn::MulAdd(b.re, q.im, sum.im))};
}

/// Vector j holds number j of the rows in its lower half and number j + L/2 in its upper one. A
/// butterfly of the two leaves the even bins of the transform across in the lower half, the odd
/// ones in the upper.
template <class D, class Bins, class T = hn::TFromD<D>>
HWY_NOINLINE void transform_half_group(D d, const FftReal<T>& plan, const T* rows,
                                       const Bins& bins) {
  constexpr std::size_t kLanes = hn::MaxLanes(D());
  constexpr std::size_t kHalf = kLanes / 2;
  using V = hn::Vec<D>;
  std::uint32_t offsets[kLanes];
  for (std::size_t i = 0; i < kHalf; ++i) {
    offsets[i] = plan.forward.row_of[i] * static_cast<std::uint32_t>(2 * kLanes);
    offsets[i + kHalf] = offsets[i] + static_cast<std::uint32_t>(kHalf);
  }
  V re[kHalf], im[kHalf];
  load_transposed<kHalf>(d, rows, offsets, re);
  load_transposed<kHalf>(d, rows + kLanes, offsets, im);
  Cx<V> a[kHalf];
#pragma GCC unroll 8
  for (std::size_t j = 0; j < kHalf; ++j) {
    a[j] = combine_halves(d, Cx<V>{re[j], im[j]}, plan.half_forward.data() + j * 4 * kLanes);
  }
  Butterfly<static_cast<int>(kHalf)>::run(d, a);
#pragma GCC unroll 8
  for (std::size_t m = 0; m < kHalf; ++m) bins.store_halves(d, a[m], 2 * m, 0);
}

/// The same back, to exchanged rows.
template <class D, class Bins, class T = hn::TFromD<D>>
HWY_NOINLINE void inverse_half_group(D d, const FftReal<T>& plan, const Bins& bins, T* rows) {
  constexpr std::size_t kLanes = hn::MaxLanes(D());
  constexpr std::size_t kHalf = kLanes / 2;
  constexpr std::size_t kBlock = 16 / sizeof(T);
  using V = hn::Vec<D>;
  const hn::Half<D> half;
  Cx<V> a[kHalf];
#pragma GCC unroll 8
  for (std::size_t m = 0; m < kHalf; ++m) {
    const auto even = bins.load(half, 2 * m, 0);
    const auto odd = bins.load(half, 2 * m + 1, 0);
    a[m] = {hn::Combine(d, odd.im, even.im), hn::Combine(d, odd.re, even.re)};
  }
  Butterfly<static_cast<int>(kHalf)>::run(d, a);
  V re[kHalf], im[kHalf];
#pragma GCC unroll 8
  for (std::size_t j = 0; j < kHalf; ++j) {
    const Cx<V> y = combine_halves(d, a[j], plan.half_inverse.data() + j * 4 * kLanes);
    re[j] = y.re;
    im[j] = y.im;
  }
  for (V* v : {re, im}) {
    T* to = rows + (v == re ? 0 : kLanes);
    transpose_blocks(hwy::SizeTag<sizeof(T)>(), v);
    transpose_blocks(hwy::SizeTag<sizeof(T)>(), v + kBlock);
#pragma GCC unroll 4
    for (std::size_t i = 0; i < kBlock; ++i) {
      const V low = v[i], high = v[kBlock + i];
      hn::Store(hn::OddEvenBlocks(hn::SwapAdjacentBlocks(high), low), d, to + i * 2 * kLanes);
      hn::Store(hn::OddEvenBlocks(high, hn::SwapAdjacentBlocks(low)), d,
                to + (i + kBlock) * 2 * kLanes);
    }
  }
}

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
