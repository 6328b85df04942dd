// Butterflies of 2 to 16 points over vectors, compiled once for each instruction set.
#include <hwy/highway.h>

#if defined(METALAUDIO_DSP_FFT_BUTTERFLIES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_DSP_FFT_BUTTERFLIES_INL_H_
#undef METALAUDIO_DSP_FFT_BUTTERFLIES_INL_H_
#else
#define METALAUDIO_DSP_FFT_BUTTERFLIES_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// One complex number in each lane.
template <class V>
struct Cx {
  V re, im;
};

template <class V>
HWY_INLINE Cx<V> operator+(Cx<V> a, Cx<V> b) {
  return {hn::Add(a.re, b.re), hn::Add(a.im, b.im)};
}
template <class V>
HWY_INLINE Cx<V> operator-(Cx<V> a, Cx<V> b) {
  return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)};
}
/// a - i·b and a + i·b.
template <class V>
HWY_INLINE Cx<V> sub_i(Cx<V> a, Cx<V> b) {
  return {hn::Add(a.re, b.im), hn::Sub(a.im, b.re)};
}
template <class V>
HWY_INLINE Cx<V> add_i(Cx<V> a, Cx<V> b) {
  return {hn::Sub(a.re, b.im), hn::Add(a.im, b.re)};
}
template <class V>
HWY_INLINE Cx<V> mul(Cx<V> a, Cx<V> w) {
  return {hn::NegMulAdd(a.im, w.im, hn::Mul(a.re, w.re)),
          hn::MulAdd(a.im, w.re, hn::Mul(a.re, w.im))};
}
template <class V>
HWY_INLINE Cx<V> conjugated(Cx<V> a) {
  return {a.re, hn::Neg(a.im)};
}

/// a + c·b with real c.
template <class V>
HWY_INLINE Cx<V> mul_add(Cx<V> b, V c, Cx<V> a) {
  return {hn::MulAdd(b.re, c, a.re), hn::MulAdd(b.im, c, a.im)};
}
template <class V>
HWY_INLINE Cx<V> scale(Cx<V> a, V c) {
  return {hn::Mul(a.re, c), hn::Mul(a.im, c)};
}

/// a[k] becomes sum over r of a[r]·exp(-2πi·k·r/R).
template <int R>
struct Butterfly;

template <>
struct Butterfly<2> {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE void run(D, Cx<V>* a) {
    const Cx<V> t = a[0] - a[1];
    a[0] = a[0] + a[1];
    a[1] = t;
  }
};

template <>
struct Butterfly<3> {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE void run(D d, Cx<V>* a) {
    const Cx<V> sum = a[1] + a[2];
    const Cx<V> mid = mul_add(sum, hn::Set(d, -0.5), a[0]);
    const Cx<V> turn = scale(a[1] - a[2], hn::Set(d, 0.86602540378443864676));
    a[0] = a[0] + sum;
    a[1] = sub_i(mid, turn);
    a[2] = add_i(mid, turn);
  }
};

/// Four points of a larger butterfly, in place.
template <class V>
HWY_INLINE void four(Cx<V>& a, Cx<V>& b, Cx<V>& c, Cx<V>& e) {
  const Cx<V> t0 = a + c;
  const Cx<V> t1 = a - c;
  const Cx<V> t2 = b + e;
  const Cx<V> t3 = b - e;
  a = t0 + t2;
  b = sub_i(t1, t3);
  c = t0 - t2;
  e = add_i(t1, t3);
}

template <>
struct Butterfly<4> {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE void run(D, Cx<V>* a) {
    four(a[0], a[1], a[2], a[3]);
  }
};

template <>
struct Butterfly<5> {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE void run(D d, Cx<V>* a) {
    const V c1 = hn::Set(d, 0.30901699437494742410);
    const V c2 = hn::Set(d, -0.80901699437494742410);
    const V s1 = hn::Set(d, 0.95105651629515357212);
    const V s2 = hn::Set(d, 0.58778525229247312917);
    const Cx<V> p1 = a[1] + a[4];
    const Cx<V> p2 = a[2] + a[3];
    const Cx<V> q1 = a[1] - a[4];
    const Cx<V> q2 = a[2] - a[3];
    const Cx<V> m1 = mul_add(p2, c2, mul_add(p1, c1, a[0]));
    const Cx<V> m2 = mul_add(p2, c1, mul_add(p1, c2, a[0]));
    const Cx<V> t1 = mul_add(q2, s2, scale(q1, s1));
    const Cx<V> t2 = mul_add(q2, hn::Neg(s1), scale(q1, s2));
    a[0] = a[0] + (p1 + p2);
    a[1] = sub_i(m1, t1);
    a[2] = sub_i(m2, t2);
    a[3] = add_i(m2, t2);
    a[4] = add_i(m1, t1);
  }
};

template <>
struct Butterfly<7> {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE void run(D d, Cx<V>* a) {
    const V c1 = hn::Set(d, 0.62348980185873353053);
    const V c2 = hn::Set(d, -0.22252093395631440429);
    const V c3 = hn::Set(d, -0.90096886790241912624);
    const V s1 = hn::Set(d, 0.78183148246802980871);
    const V s2 = hn::Set(d, 0.97492791218182360702);
    const V s3 = hn::Set(d, 0.43388373911755812048);
    const Cx<V> p1 = a[1] + a[6];
    const Cx<V> p2 = a[2] + a[5];
    const Cx<V> p3 = a[3] + a[4];
    const Cx<V> q1 = a[1] - a[6];
    const Cx<V> q2 = a[2] - a[5];
    const Cx<V> q3 = a[3] - a[4];
    const Cx<V> m1 = mul_add(p3, c3, mul_add(p2, c2, mul_add(p1, c1, a[0])));
    const Cx<V> m2 = mul_add(p3, c1, mul_add(p2, c3, mul_add(p1, c2, a[0])));
    const Cx<V> m3 = mul_add(p3, c2, mul_add(p2, c1, mul_add(p1, c3, a[0])));
    const Cx<V> t1 = mul_add(q3, s3, mul_add(q2, s2, scale(q1, s1)));
    const Cx<V> t2 = mul_add(q3, hn::Neg(s1), mul_add(q2, hn::Neg(s3), scale(q1, s2)));
    const Cx<V> t3 = mul_add(q3, s2, mul_add(q2, hn::Neg(s1), scale(q1, s3)));
    a[0] = a[0] + (p1 + (p2 + p3));
    a[1] = sub_i(m1, t1);
    a[2] = sub_i(m2, t2);
    a[3] = sub_i(m3, t3);
    a[4] = add_i(m3, t3);
    a[5] = add_i(m2, t2);
    a[6] = add_i(m1, t1);
  }
};

template <>
struct Butterfly<8> {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE void run(D d, Cx<V>* a) {
    const V half = hn::Set(d, 0.70710678118654752440);
    four(a[0], a[2], a[4], a[6]);
    four(a[1], a[3], a[5], a[7]);
    // The odd outputs turned by -1/8 and -3/8, but for the factor sqrt(1/2).
    const Cx<V> o1{hn::Add(a[3].re, a[3].im), hn::Sub(a[3].im, a[3].re)};
    const Cx<V> o3{hn::Sub(a[7].im, a[7].re), hn::Add(a[7].re, a[7].im)};
    const Cx<V> e0 = a[0], e1 = a[2], e2 = a[4], e3 = a[6], o0 = a[1], o2 = a[5];
    a[0] = e0 + o0;
    a[4] = e0 - o0;
    a[1] = mul_add(o1, half, e1);
    a[5] = {hn::NegMulAdd(o1.re, half, e1.re), hn::NegMulAdd(o1.im, half, e1.im)};
    a[2] = sub_i(e2, o2);
    a[6] = add_i(e2, o2);
    a[3] = {hn::MulAdd(o3.re, half, e3.re), hn::NegMulAdd(o3.im, half, e3.im)};
    a[7] = {hn::NegMulAdd(o3.re, half, e3.re), hn::MulAdd(o3.im, half, e3.im)};
  }
};

template <>
struct Butterfly<16> {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE void run(D d, Cx<V>* a) {
    const V half = hn::Set(d, 0.70710678118654752440);
    const V c = hn::Set(d, 0.92387953251128675613);
    const V s = hn::Set(d, 0.38268343236508977173);
    const V minus_c = hn::Neg(c);
    const V minus_s = hn::Neg(s);
    four(a[0], a[4], a[8], a[12]);
    four(a[1], a[5], a[9], a[13]);
    four(a[2], a[6], a[10], a[14]);
    four(a[3], a[7], a[11], a[15]);
    a[5] = mul(a[5], Cx<V>{c, minus_s});
    a[6] = scale(Cx<V>{hn::Add(a[6].re, a[6].im), hn::Sub(a[6].im, a[6].re)}, half);
    a[7] = mul(a[7], Cx<V>{s, minus_c});
    a[9] = scale(Cx<V>{hn::Add(a[9].re, a[9].im), hn::Sub(a[9].im, a[9].re)}, half);
    a[10] = {a[10].im, hn::Neg(a[10].re)};
    a[11] = scale(Cx<V>{hn::Sub(a[11].im, a[11].re), hn::Neg(hn::Add(a[11].re, a[11].im))}, half);
    a[13] = mul(a[13], Cx<V>{s, minus_c});
    a[14] = scale(Cx<V>{hn::Sub(a[14].im, a[14].re), hn::Neg(hn::Add(a[14].re, a[14].im))}, half);
    a[15] = mul(a[15], Cx<V>{minus_c, s});
    // Output k1 + 4·k2 comes out of row k1 at place k2.
    four(a[0], a[1], a[2], a[3]);
    four(a[4], a[5], a[6], a[7]);
    four(a[8], a[9], a[10], a[11]);
    four(a[12], a[13], a[14], a[15]);
    const Cx<V> t[16] = {a[0], a[4], a[8],  a[12], a[1], a[5], a[9],  a[13],
                         a[2], a[6], a[10], a[14], a[3], a[7], a[11], a[15]};
    for (int i = 0; i < 16; ++i) a[i] = t[i];
  }
};

/// Takes numbers k and n - k of the sum of two spectra apart, or puts them together: a becomes
/// cS + wD and b conj(cS - wD), S and D the sum and the difference of a and conj b.
template <class V>
HWY_INLINE void mirror_step(V c, Cx<V> w, Cx<V>& a, Cx<V>& b) {
  const Cx<V> sum{hn::Add(a.re, b.re), hn::Sub(a.im, b.im)};
  const Cx<V> difference{hn::Sub(a.re, b.re), hn::Add(a.im, b.im)};
  const Cx<V> t = mul(difference, w);
  a = mul_add(sum, c, t);
  b = {hn::MulSub(sum.re, c, t.re), hn::NegMulAdd(sum.im, c, t.im)};
}

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
