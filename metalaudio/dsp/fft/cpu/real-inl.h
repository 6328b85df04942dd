// Real transforms from and to complex ones of half the size, compiled for each instruction set.
#include <metalaudio/dsp/fft/cpu/fft_kernels.h>

#include <metalaudio/dsp/fft/cpu/lanes-inl.h>

#if defined(METALAUDIO_DSP_FFT_REAL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_DSP_FFT_REAL_INL_H_
#undef METALAUDIO_DSP_FFT_REAL_INL_H_
#else
#define METALAUDIO_DSP_FFT_REAL_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

/// X[k] and X[n-k] from Z[k] and Z[n-k]: cS + wD and conj(cS - wD), see mirror_step(); and back.
template <class D, class In, class Out, class T = hn::TFromD<D>>
HWY_INLINE void mirror_step_at(D d, const In& in, T c, Cx<hn::Vec<D>> w, std::size_t n,
                               std::size_t k, const Out& out) {
  const std::size_t mirror = n - k + 1 - hn::Lanes(d);
  Cx<hn::Vec<D>> a = in.load(d, k);
  Cx<hn::Vec<D>> b = in.load_reversed(d, mirror);
  mirror_step(hn::Set(d, c), w, a, b);
  out.store(d, a, k);
  out.store_reversed(d, b, mirror);
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
struct SeparateStep {
  In in;
  Out out;
  const T* w_re;
  const T* w_im;
  std::size_t n;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t k) const {
    mirror_step_at(d, in, T(0.5), SplitMemory<const T>{w_re, w_im}.load(d, k), n, k, out);
  }
};

template <class T, class In, class Out>
struct JoinStep {
  In in;
  Out out;
  const T* w_re;
  const T* w_im;
  T gain;
  std::size_t n;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t k) const {
    const auto w = conjugated(SplitMemory<const T>{w_re, w_im}.load(d, k));
    mirror_step_at(d, in, gain, scale(w, hn::Set(d, 2 * gain)), n, k, out);
  }
};

template <class T, class Out>
HWY_INLINE void separate_all(T* z_re, T* z_im, std::size_t n, const T* w_re, const T* w_im,
                             const Out& out) {
  // Z has period n: with Z[n] in its place, bins 0 and n come out like all others.
  z_re[n] = z_re[0];
  z_im[n] = z_im[0];
  for_all_pairs<T>(n / 2 + 1,
                   SeparateStep<T, SplitMemory<T>, Out>{{z_re, z_im}, out, w_re, w_im, n});
}

template <class T>
void separate_halves(T* z_re, T* z_im, std::size_t n, const T* w_re, const T* w_im, T* re, T* im) {
  separate_all(z_re, z_im, n, w_re, w_im, SplitMemory<T>{re, im});
}
template <class T>
void separate_halves_interleaved(T* z_re, T* z_im, std::size_t n, const T* w_re, const T* w_im,
                                 T* x) {
  separate_all(z_re, z_im, n, w_re, w_im, InterleavedMemory<T>{x});
}

template <class T, class In>
HWY_INLINE void join_all(const In& in, std::size_t n, const T* w_re, const T* w_im, T gain, T* z_re,
                         T* z_im) {
  for_all_pairs<T>(n / 2 + 1,
                   JoinStep<T, In, SplitMemory<T>>{in, {z_re, z_im}, w_re, w_im, gain, n});
}

template <class T>
void join_halves(const T* re, const T* im, std::size_t n, const T* w_re, const T* w_im, T gain,
                 T* z_re, T* z_im) {
  join_all(SplitMemory<const T>{re, im}, n, w_re, w_im, gain, z_re, z_im);
}
template <class T>
void join_halves_interleaved(const T* x, std::size_t n, const T* w_re, const T* w_im, T gain,
                             T* z_re, T* z_im) {
  join_all(InterleavedMemory<const T>{x}, n, w_re, w_im, gain, z_re, z_im);
}

template <class T>
void deinterleave(const T* x, std::size_t n, T* re, T* im) {
  const hn::ScalableTag<T> d;
  std::size_t k = 0;
  for (; k + hn::Lanes(d) <= n; k += hn::Lanes(d)) {
    SplitMemory<T>{re, im}.store(d, InterleavedMemory<const T>{x}.load(d, k), k);
  }
  for (; k < n; ++k) re[k] = x[2 * k], im[k] = x[2 * k + 1];
}

template <class T>
void interleave(const T* re, const T* im, std::size_t n, T* x) {
  const hn::ScalableTag<T> d;
  std::size_t k = 0;
  for (; k + hn::Lanes(d) <= n; k += hn::Lanes(d)) {
    InterleavedMemory<T>{x}.store(d, SplitMemory<const T>{re, im}.load(d, k), k);
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
