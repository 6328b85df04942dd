// Between floats and doubles, planar channels and tiles x[frames][lanes], compiled for each
// instruction set.
#include <metalaudio/dsp/biquad/cpu/biquad_kernels.h>

#include <metalaudio/dsp/cpu/transpose-inl.h>

#if defined(METALAUDIO_DSP_BIQUAD_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_DSP_BIQUAD_TILES_INL_H_
#undef METALAUDIO_DSP_BIQUAD_TILES_INL_H_
#else
#define METALAUDIO_DSP_BIQUAD_TILES_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Widens vectors of floats, with silence in place of what is out of range, and remembers it.
class Widening {
 public:
  using D = hn::ScalableTag<double>;
  using Half = hn::Rebind<float, D>;

  HWY_INLINE Widening()
      : limit_(hn::Set(D(), double{kLargestSample})), fine_(hn::Eq(limit_, limit_)) {}
  HWY_INLINE hn::Vec<D> operator()(hn::Vec<Half> x) {
    const auto v = hn::PromoteTo(D(), x);
    const auto ok = hn::Le(hn::Abs(v), limit_);
    fine_ = hn::And(fine_, ok);
    return hn::IfThenElseZero(ok, v);
  }
  HWY_INLINE double operator()(float x) {
    const bool ok = x <= kLargestSample && x >= -kLargestSample;
    rest_ = rest_ && ok;
    return ok ? double{x} : 0.0;
  }
  HWY_INLINE bool fine() const { return rest_ && hn::AllTrue(D(), fine_); }

 private:
  hn::Vec<D> limit_;
  hn::Mask<D> fine_;
  bool rest_ = true;
};

inline bool widen(const float* x, std::size_t n, double* out) {
  const Widening::D d;
  const Widening::Half half;
  Widening widening;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    hn::StoreU(widening(hn::LoadU(half, x + i)), d, out + i);
  }
  for (; i < n; ++i) out[i] = widening(x[i]);
  return widening.fine();
}

inline void narrow(const double* x, std::size_t n, float* out) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> half;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    hn::StoreU(hn::DemoteTo(half, hn::LoadU(d, x + i)), half, out + i);
  }
  for (; i < n; ++i) out[i] = static_cast<float>(x[i]);
}

inline bool gather(const float* const* channels, std::size_t count, std::size_t first,
                   std::size_t frames, double* x) {
  const Widening::D d;
  const Widening::Half half;
  constexpr std::size_t kLanes = hn::MaxLanes(Widening::D());
  Widening widening;
  std::size_t f = 0;
  // Lanes without a channel run along with the last one.
  const float* from[kLanes];
  for (std::size_t c = 0; c < kLanes; ++c) from[c] = channels[c < count ? c : count - 1] + first;
  for (; f + kLanes <= frames; f += kLanes, x += kLanes * kLanes) {
    hn::Vec<Widening::D> v[kLanes];
#pragma GCC unroll 8
    for (std::size_t c = 0; c < kLanes; ++c) v[c] = widening(hn::LoadU(half, from[c] + f));
    transpose(d, v, [&](std::size_t i, hn::Vec<Widening::D> row) HWY_ATTR {
      hn::Store(row, d, x + i * kLanes);
    });
  }
  for (; f < frames; ++f, x += kLanes) {
    for (std::size_t c = 0; c < kLanes; ++c) x[c] = widening(from[c][f]);
  }
  return widening.fine();
}

inline void scatter(const double* x, std::size_t frames, float* const* channels, std::size_t count,
                    std::size_t first) {
  const Widening::D d;
  const Widening::Half half;
  constexpr std::size_t kLanes = hn::MaxLanes(Widening::D());
  std::size_t f = 0;
  for (; f + kLanes <= frames; f += kLanes, x += kLanes * kLanes) {
    hn::Vec<Widening::D> v[kLanes];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kLanes; ++i) v[i] = hn::Load(d, x + i * kLanes);
    transpose(d, v, [&](std::size_t c, hn::Vec<Widening::D> channel) HWY_ATTR {
      if (c < count) hn::StoreU(hn::DemoteTo(half, channel), half, channels[c] + first + f);
    });
  }
  for (; f < frames; ++f, x += kLanes) {
    for (std::size_t c = 0; c < count; ++c) channels[c][first + f] = static_cast<float>(x[c]);
  }
}

inline bool load_rows(const float* in, std::size_t stride, std::size_t count, std::size_t frames,
                      double* x) {
  const Widening::D d;
  const Widening::Half half;
  constexpr std::size_t kLanes = hn::MaxLanes(Widening::D());
  Widening widening;
  const auto there = hn::FirstN(half, count);
  for (std::size_t f = 0; f < frames; ++f, in += stride, x += kLanes) {
    if (count == kLanes) {
      hn::Store(widening(hn::LoadU(half, in)), d, x);
    } else if constexpr (kLanes > 2) {
      hn::Store(widening(hn::MaskedLoad(there, half, in)), d, x);
    } else {
      for (std::size_t c = 0; c < kLanes; ++c) x[c] = c < count ? widening(in[c]) : 0.0;
    }
  }
  return widening.fine();
}

inline void store_rows(const double* x, std::size_t frames, float* out, std::size_t stride,
                       std::size_t count) {
  const Widening::D d;
  const Widening::Half half;
  constexpr std::size_t kLanes = hn::MaxLanes(Widening::D());
  const auto there = hn::FirstN(half, count);
  for (std::size_t f = 0; f < frames; ++f, out += stride, x += kLanes) {
    if (count == kLanes) {
      hn::StoreU(hn::DemoteTo(half, hn::Load(d, x)), half, out);
    } else if constexpr (kLanes > 2) {
      hn::BlendedStore(hn::DemoteTo(half, hn::Load(d, x)), there, half, out);
    } else {
      for (std::size_t c = 0; c < count; ++c) out[c] = static_cast<float>(x[c]);
    }
  }
}

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
