// Sections of one channel, a section to a lane, compiled for each instruction set.
#include <metalaudio/dsp/cpu/biquad_kernels.h>

#include <hwy/highway.h>

#include <cstdint>
#include <utility>

#if defined(METALAUDIO_DSP_BIQUAD_CHAIN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_DSP_BIQUAD_CHAIN_INL_H_
#undef METALAUDIO_DSP_BIQUAD_CHAIN_INL_H_
#else
#define METALAUDIO_DSP_BIQUAD_CHAIN_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Lane k runs two samples behind lane k - 1, so that the way of a sample from section to section
/// is shorter than the two steps it has.
inline constexpr std::size_t kSkew = 2;

template <class D>
struct ChainCoefficients {
  using V = hn::Vec<D>;
  V b0, g1, g2, a1, a2;
  HWY_INLINE ChainCoefficients(D d, const BiquadChain& c, std::size_t at)
      : b0(hn::LoadU(d, c.b0 + at)),
        g1(hn::LoadU(d, c.g1 + at)),
        g2(hn::LoadU(d, c.g2 + at)),
        a1(hn::LoadU(d, c.a1 + at)),
        a2(hn::LoadU(d, c.a2 + at)) {}
};

template <class D>
struct ChainState {
  using V = hn::Vec<D>;
  V s, s_before, x_before;
  HWY_INLINE ChainState(D d, const BiquadChain& c, std::size_t at)
      : s(hn::LoadU(d, c.s + at)),
        s_before(hn::LoadU(d, c.s_before + at)),
        x_before(hn::LoadU(d, c.x_before + at)) {}
  HWY_INLINE void store(D d, BiquadChain& c, std::size_t at) const {
    hn::StoreU(s, d, c.s + at);
    hn::StoreU(s_before, d, c.s_before + at);
    hn::StoreU(x_before, d, c.x_before + at);
  }
};

/// The one definition of a section's arithmetic: every path makes the same bits.
template <class D>
HWY_INLINE hn::Vec<D> step(const ChainCoefficients<D>& c, ChainState<D>& state, hn::Vec<D> x) {
  const auto y = hn::MulAdd(c.b0, x, state.s);
  const auto inputs = hn::MulAdd(c.g1, x, hn::Mul(c.g2, state.x_before));
  const auto older = hn::NegMulAdd(c.a2, state.s_before, inputs);
  state.s_before = state.s;
  state.s = hn::NegMulAdd(c.a1, state.s, older);
  state.x_before = x;
  return y;
}

/// Few samples, or one section: section by section.
inline HWY_NOINLINE void chain_scalar(BiquadChain& chain, std::size_t sections, double* x,
                                      std::size_t n) {
  using D = hn::CappedTag<double, 1>;
  const D d;
  for (std::size_t k = 0; k < sections; ++k) {
    const ChainCoefficients<D> c(d, chain, k);
    ChainState<D> state(d, chain, k);
    for (std::size_t i = 0; i < n; ++i) {
      hn::Store(step(c, state, hn::Load(d, x + i)), d, x + i);
    }
    state.store(d, chain, k);
  }
}

/// kVectors vectors of sections. Step t takes sample t into lane 0 and sample t - kDelay out of the
/// last lane.
template <class D, std::size_t kVectors>
struct ChainPipeline {
  using V = hn::Vec<D>;
  static constexpr std::size_t kLanes = hn::MaxLanes(D());
  static constexpr std::size_t kDelay = kSkew * (kVectors * kLanes - 1);

  D d;
  ChainCoefficients<D> c[kVectors];
  ChainState<D> state[kVectors];
  decltype(hn::SetTableIndices(D(), static_cast<const std::int64_t*>(nullptr))) rotation;
  hn::Mask<D> first = hn::FirstN(D(), 1);
  V k[kVectors];  ///< the lanes' delays

  HWY_INLINE ChainPipeline(const BiquadChain& chain, const std::int64_t* rotate)
      : ChainPipeline(chain, rotate, std::make_index_sequence<kVectors>()) {}

  /// One step: `ahead` holds the outputs of two steps ago, moved on by one lane, and is renewed.
  template <class Update>
  HWY_INLINE void advance(V* ahead, double in, double* out, const Update& update) {
    V y[kVectors];
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kVectors; ++j) {
      const V before = j == 0 ? hn::Set(d, in) : ahead[j == 0 ? 0 : j - 1];
      const V x = hn::IfThenElse(first, before, ahead[j]);
      const ChainState<D> old = state[j];
      y[j] = step(c[j], state[j], x);
      update(state[j], old, k[j]);
    }
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kVectors; ++j) ahead[j] = hn::TableLookupLanes(y[j], rotation);
    if (out != nullptr) *out = hn::GetLane(ahead[kVectors - 1]);
  }

  /// A step in which some lanes have no sample: their states stay.
  HWY_INLINE void masked(V* ahead, double* x, std::size_t n, std::size_t t) {
    const V now = hn::Set(d, static_cast<double>(t));
    const V end = hn::Set(d, static_cast<double>(n));
    const bool drains = t >= kDelay && t - kDelay < n;
    advance(ahead, t < n ? x[t] : 0.0, drains ? x + (t - kDelay) : nullptr,
            [&](ChainState<D>& next, const ChainState<D>& old, V delay) {
              const V at = hn::Sub(now, delay);
              const auto active = hn::And(hn::Ge(at, hn::Zero(d)), hn::Lt(at, end));
              next.s = hn::IfThenElse(active, next.s, old.s);
              next.s_before = hn::IfThenElse(active, next.s_before, old.s_before);
              next.x_before = hn::IfThenElse(active, next.x_before, old.x_before);
            });
  }

  HWY_INLINE void run(double* x, std::size_t n) {
    V even[kVectors];
    V odd[kVectors];
    for (std::size_t j = 0; j < kVectors; ++j) even[j] = odd[j] = hn::Zero(d);
    const auto keep = [](const ChainState<D>&, const ChainState<D>&, V) {};
    std::size_t t = 0;
    for (; t < kDelay; t += 2) {
      masked(even, x, n, t);
      masked(odd, x, n, t + 1);
    }
    for (; t + 1 < n; t += 2) {
      advance(even, x[t], x + (t - kDelay), keep);
      advance(odd, x[t + 1], x + (t + 1 - kDelay), keep);
    }
    for (; t < n + kDelay; t += 2) {
      masked(even, x, n, t);
      masked(odd, x, n, t + 1);
    }
  }

 private:
  template <std::size_t... kJ>
  HWY_INLINE ChainPipeline(const BiquadChain& chain, const std::int64_t* rotate,
                           std::index_sequence<kJ...>)
      : c{ChainCoefficients<D>(D(), chain, kJ * kLanes)...},
        state{ChainState<D>(D(), chain, kJ * kLanes)...},
        rotation(hn::SetTableIndices(D(), rotate)),
        k{hn::Mul(hn::Iota(D(), static_cast<double>(kJ * kLanes)),
                  hn::Set(D(), static_cast<double>(kSkew)))...} {}
};

/// Of the widest vectors that kSections fill.
template <std::size_t kSections>
HWY_NOINLINE void chain_lanes(BiquadChain& chain, double* x, std::size_t n) {
  using D = hn::CappedTag<double, kSections>;
  constexpr std::size_t kLanes = hn::MaxLanes(D());
  std::int64_t rotate[kLanes];
  for (std::size_t i = 0; i < kLanes; ++i) {
    rotate[i] = static_cast<std::int64_t>((i + kLanes - 1) % kLanes);
  }
  ChainPipeline<D, kSections / kLanes> pipeline(chain, rotate);
  pipeline.run(x, n);
  for (std::size_t j = 0; j < kSections / kLanes; ++j) {
    pipeline.state[j].store(D(), chain, j * kLanes);
  }
}

inline void chain(BiquadChain& chain, std::size_t sections, double* x, std::size_t n) {
  // Below these, filling and draining the pipeline costs more than it saves.
  if (sections == 1 || n < 4) return chain_scalar(chain, sections, x, n);
  if (sections <= 4) return chain_lanes<4>(chain, x, n);
  chain_lanes<8>(chain, x, n);
}

inline bool widen(const float* x, std::size_t n, double* out) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> half;
  const auto limit = hn::Set(d, double{kLargestSample});
  auto fine = hn::Eq(limit, limit);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    const auto v = hn::PromoteTo(d, hn::LoadU(half, x + i));
    const auto ok = hn::Le(hn::Abs(v), limit);
    fine = hn::And(fine, ok);
    hn::StoreU(hn::IfThenElseZero(ok, v), d, out + i);
  }
  bool all = hn::AllTrue(d, fine);
  for (; i < n; ++i) {
    const double v = x[i];
    const bool ok = v <= double{kLargestSample} && v >= -double{kLargestSample};
    all = all && ok;
    out[i] = ok ? v : 0.0;
  }
  return all;
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

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
