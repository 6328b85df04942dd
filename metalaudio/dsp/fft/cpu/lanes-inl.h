// Complex transforms of whole arrays by FftLanes and FftGrid, compiled for each instruction set.
#include <metalaudio/dsp/fft/cpu/interleave-inl.h>

#if defined(METALAUDIO_DSP_FFT_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_DSP_FFT_LANES_INL_H_
#undef METALAUDIO_DSP_FFT_LANES_INL_H_
#else
#define METALAUDIO_DSP_FFT_LANES_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

/// Interleaved, with re and im exchanged.
template <class T>
struct ExchangedOut {
  T* x;
  template <class D>
  HWY_INLINE void store(D d, Cx<hn::Vec<D>> v, std::size_t at) const {
    store_interleaved(d, Cx<hn::Vec<D>>{v.im, v.re}, x + 2 * at);
  }
};

/// Bin k of number `across` of the lanes' transforms at k + across · height.
template <class Out>
struct ByHeight {
  Out out;
  std::size_t height;
  template <class D>
  HWY_INLINE void store(D d, Cx<hn::Vec<D>> v, std::size_t across, std::size_t k) const {
    out.store(d, v, k + across * height);
  }
};

/// Across the lanes: for groups [begin, end) of outputs k, one small transform over the lanes of
/// their rows.
template <bool kShuffled, class D, class Out, class T = hn::TFromD<D>>
HWY_NOINLINE void transform_lanes(D d, const FftGroups<T>& groups, const std::uint32_t* row_of,
                                  const T* rows, const Out& out, std::size_t begin,
                                  std::size_t end) {
  constexpr std::size_t kLanes = hn::MaxLanes(D());
  using V = hn::Vec<D>;
  const T* w = groups.twiddles.data() + begin * 2 * (kLanes - 1) * kLanes;
  // Row numbers times the row's size in elements.
  std::uint32_t offsets[kLanes];
  for (std::size_t group = begin; group < end; ++group) {
    const std::uint32_t start = groups.starts[group];
    for (std::size_t i = 0; i < kLanes; ++i) {
      offsets[i] = row_of[start + i] * static_cast<std::uint32_t>(2 * kLanes);
    }
    V re[kLanes];
    V im[kLanes];
    load_transposed<kLanes>(d, rows, offsets, re);
    load_transposed<kLanes>(d, rows + kLanes, offsets, im);
    Cx<V> a[kLanes];
    a[0] = {re[0], im[0]};
#pragma GCC unroll 16
    for (std::size_t l = 1; l < kLanes; ++l, w += 2 * kLanes) {
      // Where InterleavedRows has put number l.
      const std::size_t j = kShuffled ? l % (kLanes / 2) * 2 + l / (kLanes / 2) : l;
      a[l] = mul(Cx<V>{re[j], im[j]}, load_row(d, w));
    }
    Butterfly<static_cast<int>(kLanes)>::run(d, a);
#pragma GCC unroll 16
    for (std::size_t l = 0; l < kLanes; ++l) out.store(d, a[l], l, start);
  }
}

template <std::size_t kLanes, class Source, class Out, class T>
HWY_NOINLINE void lanes_of(const FftLanes<T>& plan, const Source& source, const Out& out,
                           T* scratch) {
  const hn::FixedTag<T, kLanes> d;
  transform_columns(d, plan.columns, source, scratch);
  transform_lanes<Source::kShuffled>(d, plan.groups, plan.columns.row_of.data(), scratch,
                                     ByHeight<Out>{out, plan.columns.rows}, 0,
                                     plan.groups.starts.size());
}

/// Calls body(std::integral_constant<std::size_t, lanes>()). The widest vector is 64 bytes;
/// narrower plans serve the sizes that it does not divide.
template <class T, class Body>
HWY_INLINE void with_lanes(std::size_t lanes, const Body& body) {
  constexpr std::size_t kWidest = HWY_MAX_BYTES / sizeof(T);
  constexpr std::size_t kBlock = 16 / sizeof(T);
  if constexpr (kWidest >= 4 * kBlock) {
    if (lanes == 4 * kBlock) return body(std::integral_constant<std::size_t, 4 * kBlock>());
  }
  if constexpr (kWidest >= 2 * kBlock) {
    if (lanes == 2 * kBlock) return body(std::integral_constant<std::size_t, 2 * kBlock>());
  }
  body(std::integral_constant<std::size_t, kBlock>());
}

template <class Source, class Out, class T>
HWY_INLINE void lanes_any(const FftLanes<T>& plan, const Source& source, const Out& out,
                          T* scratch) {
  with_lanes<T>(plan.lanes, [&](auto lanes) HWY_ATTR {
    lanes_of<decltype(lanes)::value>(plan, source, out, scratch);
  });
}

template <class T>
void lanes_split(const FftLanes<T>& plan, const T* in_re, const T* in_im, T* out_re, T* out_im,
                 T* scratch) {
  lanes_any(plan, SplitRows<T>{in_re, in_im, plan.lanes}, SplitMemory<T>{out_re, out_im}, scratch);
}
template <class T>
void lanes_from_interleaved(const FftLanes<T>& plan, const T* x, T* out_re, T* out_im, T* scratch) {
  lanes_any(plan, InterleavedRows<T>{x}, SplitMemory<T>{out_re, out_im}, scratch);
}
template <class T>
void lanes_to_exchanged(const FftLanes<T>& plan, const T* in_re, const T* in_im, T* x, T* scratch) {
  lanes_any(plan, SplitRows<T>{in_re, in_im, plan.lanes}, ExchangedOut<T>{x}, scratch);
}

/// The first half of a grid: one stripe of columns, twiddled and transposed.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void transpose_stripe(D d, const FftGrid<T>& plan, std::size_t stripe, const T* rows,
                                 T* re, T* im) {
  constexpr std::size_t kLanes = hn::MaxLanes(D());
  const T* w = plan.twiddles.data() + stripe * plan.starts.size() * 2 * kLanes * kLanes;
  std::uint32_t offsets[kLanes];
  for (const std::uint32_t start : plan.starts) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      offsets[i] = plan.tall.row_of[start + i] * static_cast<std::uint32_t>(2 * kLanes);
    }
    hn::Vec<D> v_re[kLanes];
    hn::Vec<D> v_im[kLanes];
    load_transposed<kLanes>(d, rows, offsets, v_re);
    load_transposed<kLanes>(d, rows + kLanes, offsets, v_im);
    for (std::size_t l = 0; l < kLanes; ++l, w += 2 * kLanes) {
      const Cx<hn::Vec<D>> v = mul(Cx<hn::Vec<D>>{v_re[l], v_im[l]}, load_row(d, w));
      SplitMemory<T>{re, im}.store(d, v, (stripe * kLanes + l) * plan.stride + start);
    }
  }
}

template <std::size_t kLanes, class T>
HWY_NOINLINE void grid_of(const FftGrid<T>& plan, const T* in_re, const T* in_im, T* out_re,
                          T* out_im, T* scratch) {
  const hn::FixedTag<T, kLanes> d;
  T* rows = scratch;
  T* re = scratch + plan.stripe_size();
  T* im = re + plan.stride * plan.wide_stripes * kLanes;
  for (std::size_t s = 0; s < plan.wide_stripes; ++s) {
    const SplitRows<T> source{in_re + s * kLanes, in_im + s * kLanes, plan.wide.rows};
    transform_columns(d, plan.tall, source, rows);
    transpose_stripe(d, plan, s, rows, re, im);
  }
  for (const std::uint32_t start : plan.starts) {
    transform_columns(d, plan.wide, SplitRows<T>{re + start, im + start, plan.stride}, rows);
    for (std::size_t k = 0; k < plan.wide.rows; ++k) {
      const auto v = load_row(d, rows + plan.wide.row_of[k] * 2 * kLanes);
      SplitMemory<T>{out_re, out_im}.store(d, v, k * plan.tall.rows + start);
    }
  }
}

template <class T>
void grid_split(const FftGrid<T>& plan, const T* in_re, const T* in_im, T* out_re, T* out_im,
                T* scratch) {
  with_lanes<T>(plan.lanes, [&](auto lanes) HWY_ATTR {
    grid_of<decltype(lanes)::value>(plan, in_re, in_im, out_re, out_im, scratch);
  });
}

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
