// Sections of one channel, a section to a lane, compiled for each instruction set.
#include <metalaudio/dsp/biquad/cpu/biquad_kernels.h>

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

/// Lane k runs four samples behind lane k - 1, so that the way of a sample through a section's
/// state to the next section, seven operations one after the other, is spread over five steps.
inline constexpr std::size_t kSkew = 4;

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
  HWY_INLINE void keep_unless(hn::Mask<D> active, const ChainState& old) {
    s = hn::IfThenElse(active, s, old.s);
    s_before = hn::IfThenElse(active, s_before, old.s_before);
    x_before = hn::IfThenElse(active, x_before, old.x_before);
  }
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

/// kVectors vectors of sections, which take kSkew samples at a time: in turn g, lane k works on
/// samples group g - k.
template <class D, std::size_t kVectors>
struct ChainPipeline {
  using V = hn::Vec<D>;
  using M = hn::Mask<D>;
  static constexpr std::size_t kLanes = hn::MaxLanes(D());
  static constexpr std::size_t kSections = kVectors * kLanes;
  static constexpr std::size_t kDelay = kSkew * (kSections - 1);

  D d;
  ChainCoefficients<D> c[kVectors];
  ChainState<D> state[kVectors];
  decltype(hn::SetTableIndices(D(), static_cast<const std::int64_t*>(nullptr))) rotation;
  V ahead[kSkew][kVectors];  ///< the outputs of kSkew steps ago, moved on by one lane

  HWY_INLINE ChainPipeline(const BiquadChain& chain, const std::int64_t* rotate)
      : ChainPipeline(chain, rotate, std::make_index_sequence<kVectors>()) {
    for (auto& vectors : ahead) {
      for (V& v : vectors) v = hn::Zero(d);
    }
  }

  /// Returns what leaves the last lane.
  template <class Update>
  HWY_INLINE double advance(V* next, double in, const Update& update) {
    const M first = hn::FirstN(d, 1);
    V y[kVectors];
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kVectors; ++j) {
      const V before = j == 0 ? hn::Set(d, in) : next[j == 0 ? 0 : j - 1];
      const ChainState<D> old = state[j];
      y[j] = step(c[j], state[j], hn::IfThenElse(first, before, next[j]));
      update(state[j], old, j);
    }
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kVectors; ++j) next[j] = hn::TableLookupLanes(y[j], rotation);
    return hn::GetLane(next[kVectors - 1]);
  }

  HWY_INLINE void full(double* x) {
#pragma GCC unroll 4
    for (std::size_t i = 0; i < kSkew; ++i) {
      *(x + i - kDelay) =
          advance(ahead[i], x[i], [](ChainState<D>&, const ChainState<D>&, std::size_t) {});
    }
  }

  /// Fills and drains: the states of lanes that have no samples in this turn stay.
  HWY_INLINE void partial(double* x, std::size_t groups, std::size_t g) {
    M active[kVectors];
    const std::size_t end = g < groups ? 0 : g - groups + 1;
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kVectors; ++j) {
      const V lane = hn::Iota(d, static_cast<double>(j * kLanes));
      active[j] = hn::And(hn::Le(lane, hn::Set(d, static_cast<double>(g))),
                          hn::Ge(lane, hn::Set(d, static_cast<double>(end))));
    }
    const bool drains = g >= kSections - 1;
#pragma GCC unroll 4
    for (std::size_t i = 0; i < kSkew; ++i) {
      double* const at = x + g * kSkew + i;
      const double out = advance(ahead[i], g < groups ? *at : 0.0,
                                 [&](ChainState<D>& next, const ChainState<D>& old, std::size_t j) {
                                   next.keep_unless(active[j], old);
                                 });
      if (drains) *(at - kDelay) = out;
    }
  }

  HWY_INLINE void run(double* x, std::size_t groups) {
    std::size_t g = 0;
    for (; g < kSections - 1; ++g) partial(x, groups, g);
    for (; g < groups; ++g) full(x + g * kSkew);
    for (; g < groups + kSections - 1; ++g) partial(x, groups, g);
  }

 private:
  template <std::size_t... kJ>
  HWY_INLINE ChainPipeline(const BiquadChain& chain, const std::int64_t* rotate,
                           std::index_sequence<kJ...>)
      : c{ChainCoefficients<D>(D(), chain, kJ * kLanes)...},
        state{ChainState<D>(D(), chain, kJ * kLanes)...},
        rotation(hn::SetTableIndices(D(), rotate)) {}
};

/// Of the widest vectors that kSections fill.
template <std::size_t kSections>
HWY_NOINLINE void chain_lanes(BiquadChain& chain, double* x, std::size_t groups) {
  using D = hn::CappedTag<double, kSections>;
  constexpr std::size_t kLanes = hn::MaxLanes(D());
  std::int64_t rotate[kLanes];
  for (std::size_t i = 0; i < kLanes; ++i) {
    rotate[i] = static_cast<std::int64_t>((i + kLanes - 1) % kLanes);
  }
  ChainPipeline<D, kSections / kLanes> pipeline(chain, rotate);
  pipeline.run(x, groups);
  for (std::size_t j = 0; j < kSections / kLanes; ++j) {
    pipeline.state[j].store(D(), chain, j * kLanes);
  }
}

inline void chain(BiquadChain& chain, std::size_t sections, double* x, std::size_t n) {
  // Below two groups, filling and draining the pipeline costs more than it saves.
  const std::size_t groups = sections == 1 || n < 2 * kSkew ? 0 : n / kSkew;
  if (groups > 0 && sections <= 4) chain_lanes<4>(chain, x, groups);
  if (groups > 0 && sections > 4) chain_lanes<8>(chain, x, groups);
  chain_scalar(chain, sections, x + groups * kSkew, n - groups * kSkew);
}

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
