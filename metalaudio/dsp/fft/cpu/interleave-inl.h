// Complex vectors from and to memory, compiled once for each instruction set.
#include <metalaudio/dsp/fft/cpu/columns-inl.h>

#if defined(METALAUDIO_DSP_FFT_INTERLEAVE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_DSP_FFT_INTERLEAVE_INL_H_
#undef METALAUDIO_DSP_FFT_INTERLEAVE_INL_H_
#else
#define METALAUDIO_DSP_FFT_INTERLEAVE_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

template <class V>
HWY_INLINE Cx<V> reversed(Cx<V> a) {
  const hn::DFromV<V> d;
  return {hn::Reverse(d, a.re), hn::Reverse(d, a.im)};
}

#if HWY_TARGET == HWY_AVX3
// Highway 1.0 has no shuffle of two 64-byte vectors by index, which does in two instructions what
// its interleaving does in six, reversal included.
template <class D>
inline constexpr bool kShufflesPairs = std::is_same_v<hn::TFromD<D>, float>&& hn::MaxLanes(D()) ==
                                       16;

/// Lane j of the result: number index[j] of two vectors, b's from 16 on.
HWY_INLINE __m512 from_pair(__m512 a, __m512 b, const std::int32_t* index) {
  return _mm512_permutex2var_ps(a, _mm512_load_si512(index), b);
}
alignas(64) inline constexpr std::int32_t kLowPairs[] = {0, 16, 1, 17, 2, 18, 3, 19,
                                                         4, 20, 5, 21, 6, 22, 7, 23};
alignas(64) inline constexpr std::int32_t kHighPairs[] = {8,  24, 9,  25, 10, 26, 11, 27,
                                                          12, 28, 13, 29, 14, 30, 15, 31};
alignas(64) inline constexpr std::int32_t kLowReversed[] = {15, 31, 14, 30, 13, 29, 12, 28,
                                                            11, 27, 10, 26, 9,  25, 8,  24};
alignas(64) inline constexpr std::int32_t kHighReversed[] = {7, 23, 6, 22, 5, 21, 4, 20,
                                                             3, 19, 2, 18, 1, 17, 0, 16};
alignas(64) inline constexpr std::int32_t kEven[] = {0,  2,  4,  6,  8,  10, 12, 14,
                                                     16, 18, 20, 22, 24, 26, 28, 30};
alignas(64) inline constexpr std::int32_t kOdd[] = {1,  3,  5,  7,  9,  11, 13, 15,
                                                    17, 19, 21, 23, 25, 27, 29, 31};
alignas(64) inline constexpr std::int32_t kEvenReversed[] = {30, 28, 26, 24, 22, 20, 18, 16,
                                                             14, 12, 10, 8,  6,  4,  2,  0};
alignas(64) inline constexpr std::int32_t kOddReversed[] = {31, 29, 27, 25, 23, 21, 19, 17,
                                                            15, 13, 11, 9,  7,  5,  3,  1};
#else
template <class D>
inline constexpr bool kShufflesPairs = false;
#endif

template <class D, class T = hn::TFromD<D>>
HWY_INLINE void store_interleaved_halves(D d, Cx<hn::Vec<D>> v, T* low, T* high);
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void store_interleaved_halves_reversed(D d, Cx<hn::Vec<D>> v, T* low, T* high);

template <class D, class V = hn::Vec<D>>
HWY_INLINE Cx<hn::Vec<hn::Half<D>>> lower_half(D, Cx<V> v) {
  const hn::Half<D> half;
  return {hn::LowerHalf(half, v.re), hn::LowerHalf(half, v.im)};
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE Cx<hn::Vec<hn::Half<D>>> upper_half(D, Cx<V> v) {
  const hn::Half<D> half;
  return {hn::UpperHalf(half, v.re), hn::UpperHalf(half, v.im)};
}

template <class D, class T = hn::TFromD<D>>
HWY_INLINE void store_interleaved(D d, Cx<hn::Vec<D>> v, T* x) {
#if HWY_TARGET == HWY_AVX3
  if constexpr (kShufflesPairs<D>) return store_interleaved_halves(d, v, x, x + 16);
#endif
  if constexpr (hn::MaxLanes(D()) == 1) {
    x[0] = hn::GetLane(v.re);
    x[1] = hn::GetLane(v.im);
  } else {
    hn::StoreInterleaved2(v.re, v.im, d, x);
  }
}

/// The last lane first.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void store_interleaved_reversed(D d, Cx<hn::Vec<D>> v, T* x) {
#if HWY_TARGET == HWY_AVX3
  if constexpr (kShufflesPairs<D>) return store_interleaved_halves_reversed(d, v, x + 16, x);
#endif
  store_interleaved(d, reversed(v), x);
}

/// The lower half to one place, the upper to another.
template <class D, class T>
HWY_INLINE void store_interleaved_halves(D d, Cx<hn::Vec<D>> v, T* low, T* high) {
#if HWY_TARGET == HWY_AVX3
  if constexpr (kShufflesPairs<D>) {
    _mm512_storeu_ps(low, from_pair(v.re.raw, v.im.raw, kLowPairs));
    _mm512_storeu_ps(high, from_pair(v.re.raw, v.im.raw, kHighPairs));
    return;
  }
#endif
  store_interleaved(hn::Half<D>(), lower_half(d, v), low);
  store_interleaved(hn::Half<D>(), upper_half(d, v), high);
}
template <class D, class T>
HWY_INLINE void store_interleaved_halves_reversed(D d, Cx<hn::Vec<D>> v, T* low, T* high) {
#if HWY_TARGET == HWY_AVX3
  if constexpr (kShufflesPairs<D>) {
    _mm512_storeu_ps(high, from_pair(v.re.raw, v.im.raw, kLowReversed));
    _mm512_storeu_ps(low, from_pair(v.re.raw, v.im.raw, kHighReversed));
    return;
  }
#endif
  store_interleaved_reversed(hn::Half<D>(), lower_half(d, v), low);
  store_interleaved_reversed(hn::Half<D>(), upper_half(d, v), high);
}

template <class D, class T = hn::TFromD<D>>
HWY_INLINE Cx<hn::Vec<D>> load_interleaved(D d, const T* x) {
#if HWY_TARGET == HWY_AVX3
  if constexpr (kShufflesPairs<D>) {
    const __m512 a = _mm512_loadu_ps(x), b = _mm512_loadu_ps(x + 16);
    return {hn::Vec<D>{from_pair(a, b, kEven)}, hn::Vec<D>{from_pair(a, b, kOdd)}};
  }
#endif
  Cx<hn::Vec<D>> v;
  if constexpr (hn::MaxLanes(D()) == 1) {
    v = {hn::Set(d, x[0]), hn::Set(d, x[1])};
  } else {
    hn::LoadInterleaved2(d, x, v.re, v.im);
  }
  return v;
}

template <class D, class T = hn::TFromD<D>>
HWY_INLINE Cx<hn::Vec<D>> load_interleaved_reversed(D d, const T* x) {
#if HWY_TARGET == HWY_AVX3
  if constexpr (kShufflesPairs<D>) {
    const __m512 a = _mm512_loadu_ps(x), b = _mm512_loadu_ps(x + 16);
    return {hn::Vec<D>{from_pair(a, b, kEvenReversed)}, hn::Vec<D>{from_pair(a, b, kOddReversed)}};
  }
#endif
  return reversed(load_interleaved(d, x));
}

// Complex arrays: numbers k, k + 1, … in a vector, in this order or the last one first.

template <class T>
struct SplitMemory {
  T* at_re;
  T* at_im;
  template <class D>
  HWY_INLINE void store(D d, Cx<hn::Vec<D>> v, std::size_t k) const {
    hn::StoreU(v.re, d, at_re + k);
    hn::StoreU(v.im, d, at_im + k);
  }
  template <class D>
  HWY_INLINE void store_reversed(D d, Cx<hn::Vec<D>> v, std::size_t k) const {
    store(d, reversed(v), k);
  }
  template <class D>
  HWY_INLINE Cx<hn::Vec<D>> load(D d, std::size_t k) const {
    return {hn::LoadU(d, at_re + k), hn::LoadU(d, at_im + k)};
  }
  template <class D>
  HWY_INLINE Cx<hn::Vec<D>> load_reversed(D d, std::size_t k) const {
    return reversed(load(d, k));
  }
  template <class D>
  HWY_INLINE void store_halves(D d, Cx<hn::Vec<D>> v, std::size_t low, std::size_t high) const {
    store(hn::Half<D>(), lower_half(d, v), low);
    store(hn::Half<D>(), upper_half(d, v), high);
  }
  template <class D>
  HWY_INLINE void store_halves_reversed(D d, Cx<hn::Vec<D>> v, std::size_t low,
                                        std::size_t high) const {
    store_reversed(hn::Half<D>(), lower_half(d, v), low);
    store_reversed(hn::Half<D>(), upper_half(d, v), high);
  }
  HWY_INLINE T* re(std::size_t k) const { return at_re + k; }
  HWY_INLINE T* im(std::size_t k) const { return at_im + k; }
};

template <class T>
struct InterleavedMemory {
  T* x;
  template <class D>
  HWY_INLINE void store(D d, Cx<hn::Vec<D>> v, std::size_t k) const {
    store_interleaved(d, v, x + 2 * k);
  }
  template <class D>
  HWY_INLINE void store_reversed(D d, Cx<hn::Vec<D>> v, std::size_t k) const {
    store_interleaved_reversed(d, v, x + 2 * k);
  }
  template <class D>
  HWY_INLINE Cx<hn::Vec<D>> load(D d, std::size_t k) const {
    return load_interleaved(d, x + 2 * k);
  }
  template <class D>
  HWY_INLINE Cx<hn::Vec<D>> load_reversed(D d, std::size_t k) const {
    return load_interleaved_reversed(d, x + 2 * k);
  }
  template <class D>
  HWY_INLINE void store_halves(D d, Cx<hn::Vec<D>> v, std::size_t low, std::size_t high) const {
    store_interleaved_halves(d, v, x + 2 * low, x + 2 * high);
  }
  template <class D>
  HWY_INLINE void store_halves_reversed(D d, Cx<hn::Vec<D>> v, std::size_t low,
                                        std::size_t high) const {
    store_interleaved_halves_reversed(d, v, x + 2 * low, x + 2 * high);
  }
  HWY_INLINE T* re(std::size_t k) const { return x + 2 * k; }
  HWY_INLINE T* im(std::size_t k) const { return x + 2 * k + 1; }
};

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
