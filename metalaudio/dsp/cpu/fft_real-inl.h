// Real transforms from and to complex ones of half the size, compiled for each instruction set.
#include <metalaudio/dsp/cpu/fft_kernels.h>

#include <metalaudio/dsp/cpu/fft_lanes-inl.h>

#if defined(METALAUDIO_DSP_FFT_REAL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_DSP_FFT_REAL_INL_H_
#undef METALAUDIO_DSP_FFT_REAL_INL_H_
#else
#define METALAUDIO_DSP_FFT_REAL_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

/// Where n + 1 numbers with mirror images live: at(k) holds k, k + 1, …, and mirror(n - k) holds
/// n - k, n - k - 1, ….
template <class T>
struct SplitPlace {
  T* re;
  T* im;
  template <class D>
  HWY_INLINE void store(D d, Cx<hn::Vec<D>> v, std::size_t k) const {
    hn::StoreU(v.re, d, re + k);
    hn::StoreU(v.im, d, im + k);
  }
  template <class D>
  HWY_INLINE void store_mirror(D d, Cx<hn::Vec<D>> v, std::size_t k) const {
    store(d, reversed(v), k + 1 - hn::Lanes(d));
  }
  template <class D>
  HWY_INLINE Cx<hn::Vec<D>> load(D d, std::size_t k) const {
    return {hn::LoadU(d, re + k), hn::LoadU(d, im + k)};
  }
  template <class D>
  HWY_INLINE Cx<hn::Vec<D>> load_mirror(D d, std::size_t k) const {
    return reversed(load(d, k + 1 - hn::Lanes(d)));
  }
};

template <class T>
struct InterleavedPlace {
  T* x;
  template <class D>
  HWY_INLINE void store(D d, Cx<hn::Vec<D>> v, std::size_t k) const {
    store_interleaved(d, v, x + 2 * k);
  }
  template <class D>
  HWY_INLINE void store_mirror(D d, Cx<hn::Vec<D>> v, std::size_t k) const {
    store_interleaved_reversed(d, v, x + 2 * (k + 1 - hn::Lanes(d)));
  }
  template <class D>
  HWY_INLINE Cx<hn::Vec<D>> load(D d, std::size_t k) const {
    return load_interleaved(d, x + 2 * k);
  }
  template <class D>
  HWY_INLINE Cx<hn::Vec<D>> load_mirror(D d, std::size_t k) const {
    return load_interleaved_reversed(d, x + 2 * (k + 1 - hn::Lanes(d)));
  }
};

/// Bins below n/2, then bin n - k beside each k, in descending order: nothing is reversed. The
/// middle bin comes last.
template <class T>
struct FoldedPlace {
  T* re;
  T* im;
  std::size_t n;
  template <class D>
  HWY_INLINE void store(D d, Cx<hn::Vec<D>> v, std::size_t k) const {
    SplitPlace<T>{re, im}.store(d, v, k);
  }
  template <class D>
  HWY_INLINE void store_mirror(D d, Cx<hn::Vec<D>> v, std::size_t k) const {
    SplitPlace<T>{re, im}.store(d, v, folded_upper(n) + n - k);
  }
  template <class D>
  HWY_INLINE Cx<hn::Vec<D>> load(D d, std::size_t k) const {
    return SplitPlace<T>{re, im}.load(d, k);
  }
  template <class D>
  HWY_INLINE Cx<hn::Vec<D>> load_mirror(D d, std::size_t k) const {
    return SplitPlace<T>{re, im}.load(d, folded_upper(n) + n - k);
  }
};

/// X[k] = S/2 + wD and X[n-k] = conj(S/2 - wD), S and D the sum and difference of Z[k] and
/// conj Z[n-k].
template <class D, class In, class Out, class T = hn::TFromD<D>>
HWY_INLINE void post_step(D d, const In& z, const T* w_re, const T* w_im, std::size_t n,
                          std::size_t k, const Out& out) {
  using V = hn::Vec<D>;
  const V half = hn::Set(d, 0.5);
  const Cx<V> a = z.load(d, k);
  const Cx<V> b = z.load_mirror(d, n - k);
  const Cx<V> sum{hn::Add(a.re, b.re), hn::Sub(a.im, b.im)};
  const Cx<V> difference{hn::Sub(a.re, b.re), hn::Add(a.im, b.im)};
  const Cx<V> t = mul(difference, Cx<V>{hn::LoadU(d, w_re + k), hn::LoadU(d, w_im + k)});
  out.store(d, mul_add(sum, half, t), k);
  out.store_mirror(d, Cx<V>{hn::MulSub(sum.re, half, t.re), hn::NegMulAdd(sum.im, half, t.im)},
                   n - k);
}

/// Z[k] = gain·(S + 2·conj(w)D) and Z[n-k] = gain·conj(S - 2·conj(w)D) of X.
template <class D, class In, class Out, class T = hn::TFromD<D>>
HWY_INLINE void pre_step(D d, const In& x, const T* w_re, const T* w_im, T gain, std::size_t n,
                         std::size_t k, const Out& out) {
  using V = hn::Vec<D>;
  const V g = hn::Set(d, gain);
  const V g2 = hn::Set(d, 2 * gain);
  const Cx<V> a = x.load(d, k);
  const Cx<V> b = x.load_mirror(d, n - k);
  const Cx<V> sum{hn::Add(a.re, b.re), hn::Sub(a.im, b.im)};
  const Cx<V> difference{hn::Sub(a.re, b.re), hn::Add(a.im, b.im)};
  const Cx<V> w{hn::LoadU(d, w_re + k), hn::Neg(hn::LoadU(d, w_im + k))};
  const Cx<V> t = scale(mul(difference, w), g2);
  out.store(d, mul_add(sum, g, t), k);
  out.store_mirror(d, Cx<V>{hn::MulSub(sum.re, g, t.re), hn::NegMulAdd(sum.im, g, t.im)}, n - k);
}

/// step(d, k) for all k in [0, count): vectors, the last of which may overlap the one before, or
/// single numbers where the pairs k and n - k are too few for a vector.
template <class T, class Step>
HWY_INLINE void for_all_pairs(std::size_t count, const Step& step) {
  const hn::ScalableTag<T> d;
  const hn::FixedTag<T, 1> one;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t k = 0;
  for (; k + lanes <= count; k += lanes) step(d, k);
  if (count - k > 2 && count > lanes) {
    step(d, count - lanes);
  } else {
    for (; k < count; ++k) step(one, k);
  }
}

template <class T, class In, class Out>
struct PostStep {
  In in;
  Out out;
  const T* w_re;
  const T* w_im;
  std::size_t n;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t k) const {
    post_step(d, in, w_re, w_im, n, k, out);
  }
};

template <class T, class In, class Out>
struct PreStep {
  In in;
  Out out;
  const T* w_re;
  const T* w_im;
  T gain;
  std::size_t n;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t k) const {
    pre_step(d, in, w_re, w_im, gain, n, k, out);
  }
};

template <class T, class Out>
HWY_INLINE void post_all(T* z_re, T* z_im, std::size_t n, const T* w_re, const T* w_im,
                         const Out& out) {
  // Z has period n: with Z[n] in its place, bins 0 and n come out like all others.
  z_re[n] = z_re[0];
  z_im[n] = z_im[0];
  for_all_pairs<T>(n / 2 + 1, PostStep<T, SplitPlace<T>, Out>{{z_re, z_im}, out, w_re, w_im, n});
}

template <class T>
void real_post(T* z_re, T* z_im, std::size_t n, const T* w_re, const T* w_im, T* re, T* im) {
  post_all(z_re, z_im, n, w_re, w_im, SplitPlace<T>{re, im});
}
template <class T>
void real_post_interleaved(T* z_re, T* z_im, std::size_t n, const T* w_re, const T* w_im, T* x) {
  post_all(z_re, z_im, n, w_re, w_im, InterleavedPlace<T>{x});
}
template <class T>
void real_post_folded(T* z_re, T* z_im, std::size_t n, const T* w_re, const T* w_im, T* re, T* im,
                      std::size_t begin, std::size_t end) {
  const hn::ScalableTag<T> d;
  z_re[n] = z_re[0];
  z_im[n] = z_im[0];
  const SplitPlace<T> z{z_re, z_im};
  const FoldedPlace<T> out{re, im, n};
  for (std::size_t k = begin; k < end; k += hn::Lanes(d)) post_step(d, z, w_re, w_im, n, k, out);
  if (end < n / 2) return;
  re[folded_upper(n) + n / 2] = z_re[n / 2];
  im[folded_upper(n) + n / 2] = -z_im[n / 2];
}

template <class T, class In>
HWY_INLINE void pre_all(const In& in, std::size_t n, const T* w_re, const T* w_im, T gain, T* z_re,
                        T* z_im) {
  for_all_pairs<T>(n / 2 + 1, PreStep<T, In, SplitPlace<T>>{in, {z_re, z_im}, w_re, w_im, gain, n});
}

template <class T>
void real_pre(const T* re, const T* im, std::size_t n, const T* w_re, const T* w_im, T gain,
              T* z_re, T* z_im) {
  pre_all(SplitPlace<const T>{re, im}, n, w_re, w_im, gain, z_re, z_im);
}
template <class T>
void real_pre_interleaved(const T* x, std::size_t n, const T* w_re, const T* w_im, T gain, T* z_re,
                          T* z_im) {
  pre_all(InterleavedPlace<const T>{x}, n, w_re, w_im, gain, z_re, z_im);
}
template <class T>
void real_pre_folded(const T* re, const T* im, std::size_t n, const T* w_re, const T* w_im, T gain,
                     T* z_re, T* z_im, std::size_t begin, std::size_t end) {
  const hn::ScalableTag<T> d;
  const FoldedPlace<const T> x{re, im, n};
  const SplitPlace<T> out{z_re, z_im};
  for (std::size_t k = begin; k < end; k += hn::Lanes(d)) {
    pre_step(d, x, w_re, w_im, gain, n, k, out);
  }
  if (end < n / 2) return;
  z_re[n / 2] = 2 * gain * re[folded_upper(n) + n / 2];
  z_im[n / 2] = -2 * gain * im[folded_upper(n) + n / 2];
}

template <class T>
void deinterleave(const T* x, std::size_t n, T* re, T* im) {
  const hn::ScalableTag<T> d;
  std::size_t k = 0;
  for (; k + hn::Lanes(d) <= n; k += hn::Lanes(d)) {
    SplitPlace<T>{re, im}.store(d, InterleavedPlace<const T>{x}.load(d, k), k);
  }
  for (; k < n; ++k) re[k] = x[2 * k], im[k] = x[2 * k + 1];
}

template <class T>
void interleave(const T* re, const T* im, std::size_t n, T* x) {
  const hn::ScalableTag<T> d;
  std::size_t k = 0;
  for (; k + hn::Lanes(d) <= n; k += hn::Lanes(d)) {
    InterleavedPlace<T>{x}.store(d, SplitPlace<const T>{re, im}.load(d, k), k);
  }
  for (; k < n; ++k) x[2 * k] = re[k], x[2 * k + 1] = im[k];
}

template <class T>
void multiply_accumulate(const T* a_re, const T* a_im, const T* b_re, const T* b_im, std::size_t n,
                         T* sum_re, T* sum_im) {
  const hn::ScalableTag<T> d;
  std::size_t k = 0;
  for (; k + hn::Lanes(d) <= n; k += hn::Lanes(d)) {
    const auto ar = hn::LoadU(d, a_re + k), ai = hn::LoadU(d, a_im + k);
    const auto br = hn::LoadU(d, b_re + k), bi = hn::LoadU(d, b_im + k);
    const auto re = hn::MulAdd(ar, br, hn::LoadU(d, sum_re + k));
    const auto im = hn::MulAdd(ar, bi, hn::LoadU(d, sum_im + k));
    hn::StoreU(hn::NegMulAdd(ai, bi, re), d, sum_re + k);
    hn::StoreU(hn::MulAdd(ai, br, im), d, sum_im + k);
  }
  for (; k < n; ++k) {
    sum_re[k] += a_re[k] * b_re[k] - a_im[k] * b_im[k];
    sum_im[k] += a_re[k] * b_im[k] + a_im[k] * b_re[k];
  }
}

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
