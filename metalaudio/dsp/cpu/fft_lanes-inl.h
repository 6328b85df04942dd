// Complex transforms of whole arrays by FftLanes and FftGrid, compiled for each instruction set.
#include <metalaudio/dsp/cpu/fft_interleave-inl.h>

#if defined(METALAUDIO_DSP_FFT_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_DSP_FFT_LANES_INL_H_
#undef METALAUDIO_DSP_FFT_LANES_INL_H_
#else
#define METALAUDIO_DSP_FFT_LANES_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

template <class T>
struct SplitOut {
  T* re;
  T* im;
  template <class D>
  HWY_INLINE void store(D d, Cx<hn::Vec<D>> v, std::size_t at) const {
    hn::StoreU(v.re, d, re + at);
    hn::StoreU(v.im, d, im + at);
  }
};

/// Interleaved, with re and im exchanged.
template <class T>
struct ExchangedOut {
  T* x;
  template <class D>
  HWY_INLINE void store(D d, Cx<hn::Vec<D>> v, std::size_t at) const {
    store_interleaved(d, Cx<hn::Vec<D>>{v.im, v.re}, x + 2 * at);
  }
};

/// Across the lanes: for each group of outputs k, one small transform over the lanes of their rows.
template <class D, bool kShuffled, class Out, class T = hn::TFromD<D>>
HWY_INLINE void transform_lanes(D d, const FftLanes<T>& plan, const T* rows, const Out& out,
                                std::size_t begin, std::size_t end) {
  constexpr std::size_t kLanes = hn::MaxLanes(D());
  using V = hn::Vec<D>;
  const T* w = plan.twiddles.data() + begin * 2 * (kLanes - 1) * kLanes;
  const std::size_t height = plan.columns.rows;
  // Row numbers times the row's size in elements.
  std::uint32_t offsets[kLanes];
  for (std::size_t group = begin; group < end; ++group) {
    const std::uint32_t start = plan.group_starts[group];
    for (std::size_t i = 0; i < kLanes; ++i) {
      offsets[i] = plan.columns.row_of[start + i] * static_cast<std::uint32_t>(2 * kLanes);
    }
    V re[kLanes];
    V im[kLanes];
    load_transposed(d, rows, offsets, re);
    load_transposed(d, rows + kLanes, offsets, im);
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
    for (std::size_t l = 0; l < kLanes; ++l) out.store(d, a[l], start + l * height);
  }
}

/// The whole transform, or one of its steps: slices of the first pass, then the sub-blocks that it
/// leaves, then slices of the groups.
template <std::size_t kLanes, class Source, class Out, class T>
HWY_NOINLINE void lanes_of(const FftLanes<T>& plan, const Source& source, const Out& out,
                           T* scratch, std::size_t step) {
  const hn::FixedTag<T, kLanes> d;
  constexpr bool kShuffled = Source::kShuffled;
  const std::size_t groups = plan.group_starts.size();
  if (step == kFftWhole) {
    transform_columns(d, plan.columns, source, scratch);
    transform_lanes<decltype(d), kShuffled>(d, plan, scratch, out, 0, groups);
    return;
  }
  const std::size_t slices = plan.slices;
  if (step < slices) return first_pass_slice(d, plan.columns, source, scratch, step, slices);
  step -= slices;
  const FftPass& first = plan.columns.passes[0];
  if (step < first.radix) {
    return remaining_passes(d, plan.columns, 1, scratch + step * first.span * 2 * kLanes);
  }
  step -= first.radix;
  transform_lanes<decltype(d), kShuffled>(d, plan, scratch, out, step * groups / slices,
                                          (step + 1) * groups / slices);
}

/// The widest vector is 64 bytes; narrower plans serve the sizes that it does not divide.
template <class Source, class Out, class T>
HWY_INLINE void lanes_any(const FftLanes<T>& plan, const Source& source, const Out& out, T* scratch,
                          std::size_t step) {
  constexpr std::size_t kWidest = HWY_MAX_BYTES / sizeof(T);
  constexpr std::size_t kBlock = 16 / sizeof(T);
  if constexpr (kWidest >= 4 * kBlock) {
    if (plan.lanes == 4 * kBlock) return lanes_of<4 * kBlock>(plan, source, out, scratch, step);
  }
  if constexpr (kWidest >= 2 * kBlock) {
    if (plan.lanes == 2 * kBlock) return lanes_of<2 * kBlock>(plan, source, out, scratch, step);
  }
  lanes_of<kBlock>(plan, source, out, scratch, step);
}

template <class T>
void lanes_split(const FftLanes<T>& plan, const T* in_re, const T* in_im, T* out_re, T* out_im,
                 T* scratch) {
  lanes_any(plan, SplitRows<T>{in_re, in_im, plan.lanes}, SplitOut<T>{out_re, out_im}, scratch,
            kFftWhole);
}
template <class T>
void lanes_from_interleaved(const FftLanes<T>& plan, const T* x, T* out_re, T* out_im, T* scratch,
                            std::size_t step) {
  lanes_any(plan, InterleavedRows<T>{x}, SplitOut<T>{out_re, out_im}, scratch, step);
}
template <class T>
void lanes_to_exchanged(const FftLanes<T>& plan, const T* in_re, const T* in_im, T* x, T* scratch,
                        std::size_t step) {
  lanes_any(plan, SplitRows<T>{in_re, in_im, plan.lanes}, ExchangedOut<T>{x}, scratch, step);
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
    load_transposed(d, rows, offsets, v_re);
    load_transposed(d, rows + kLanes, offsets, v_im);
    for (std::size_t l = 0; l < kLanes; ++l, w += 2 * kLanes) {
      const Cx<hn::Vec<D>> v = mul(Cx<hn::Vec<D>>{v_re[l], v_im[l]}, load_row(d, w));
      SplitOut<T>{re, im}.store(d, v, (stripe * kLanes + l) * plan.stride + start);
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
      SplitOut<T>{out_re, out_im}.store(d, v, k * plan.tall.rows + start);
    }
  }
}

template <class T>
void grid_split(const FftGrid<T>& plan, const T* in_re, const T* in_im, T* out_re, T* out_im,
                T* scratch) {
  constexpr std::size_t kWidest = HWY_MAX_BYTES / sizeof(T);
  constexpr std::size_t kBlock = 16 / sizeof(T);
  if constexpr (kWidest >= 4 * kBlock) {
    if (plan.lanes == 4 * kBlock) {
      return grid_of<4 * kBlock>(plan, in_re, in_im, out_re, out_im, scratch);
    }
  }
  if constexpr (kWidest >= 2 * kBlock) {
    if (plan.lanes == 2 * kBlock) {
      return grid_of<2 * kBlock>(plan, in_re, in_im, out_re, out_im, scratch);
    }
  }
  grid_of<kBlock>(plan, in_re, in_im, out_re, out_im, scratch);
}

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
