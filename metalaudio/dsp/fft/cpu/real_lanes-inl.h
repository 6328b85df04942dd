// Real transforms of whole arrays by FftReal, compiled for each instruction set.
#include <metalaudio/dsp/fft/cpu/bins-inl.h>
#include <metalaudio/dsp/fft/cpu/half_group-inl.h>
#include <metalaudio/dsp/fft/cpu/lanes-inl.h>

#if defined(METALAUDIO_DSP_FFT_REAL_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_DSP_FFT_REAL_LANES_INL_H_
#undef METALAUDIO_DSP_FFT_REAL_LANES_INL_H_
#else
#define METALAUDIO_DSP_FFT_REAL_LANES_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

/// Real samples two rows at a time: one of real parts, one of imaginary parts.
template <class T>
struct PairedRows {
  const T* x;
  template <class D>
  HWY_INLINE Cx<hn::Vec<D>> load(D d, std::size_t row) const {
    const T* at = x + row * 2 * hn::Lanes(d);
    return {hn::LoadU(d, at), hn::LoadU(d, at + hn::Lanes(d))};
  }
};

template <class V>
HWY_INLINE Cx<V> exchanged(Cx<V> a) {
  return {a.im, a.re};
}
template <class D, class T = hn::TFromD<D>>
HWY_INLINE Cx<hn::Vec<D>> broadcast(D d, const T* w) {
  return {hn::Set(d, w[0]), hn::Set(d, w[1])};
}

/// mirror_step() within one butterfly that is its own mirror image: its number s is mirrored by
/// number R - 1 - s, or R - s if it starts at row 0, whose own number 0 is left alone.
template <int R, class D, class T = hn::TFromD<D>>
HWY_INLINE void mirror_itself(D d, T c, const T* w, bool first, Cx<hn::Vec<D>>* a) {
  const int last = first ? R : R - 1;
#pragma GCC unroll 8
  for (int s = first ? 1 : 0; 2 * s <= last; ++s) {
    Cx<hn::Vec<D>>& mirror = a[last - s];
    if (2 * s < last) {
      mirror_step(hn::Set(d, c), broadcast(d, w + 2 * s), a[s], mirror);
    } else {
      mirror = scale(conjugated(mirror), hn::Set(d, 2 * c));
    }
  }
}

/// The last pass of the columns, and the spectra of even and odd samples taken apart.
template <int R, class D, class T = hn::TFromD<D>>
HWY_NOINLINE void last_real_pass(D d, const FftReal<T>& plan, T* rows, std::size_t begin,
                                 std::size_t end) {
  const std::size_t size = 2 * hn::Lanes(d);
  const hn::Vec<D> half = hn::Set(d, 0.5);
  for (std::size_t i = begin; i < end; ++i) {
    const auto [row, mirror] = plan.forward_last.pairs[i];
    const T* w = plan.forward_last.factors.data() + i * 2 * R;
    T* a_rows = rows + row * size;
    T* b_rows = rows + mirror * size;
    Cx<hn::Vec<D>> a[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) a[r] = load_row(d, a_rows + r * size);
    Butterfly<R>::run(d, a);
    if (row == mirror) {
      if (row == 0) {
        T* middle = rows + plan.forward.stored_rows() * size;
        store_row(d, {hn::Sub(a[0].re, a[0].im), hn::Zero(d)}, middle);
        a[0] = {hn::Add(a[0].re, a[0].im), hn::Zero(d)};
      }
      mirror_itself<R>(d, T(0.5), w, row == 0, a);
    } else {
      Cx<hn::Vec<D>> b[R];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) b[r] = load_row(d, b_rows + r * size);
      Butterfly<R>::run(d, b);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        mirror_step(half, broadcast(d, w + 2 * r), a[r], b[R - 1 - r]);
        store_row(d, b[R - 1 - r], b_rows + (R - 1 - r) * size);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) store_row(d, a[r], a_rows + r * size);
  }
}

/// One butterfly of the inverse's first pass, from numbers that are not exchanged.
template <int R, class D, class T = hn::TFromD<D>>
HWY_INLINE void first_inverse_butterfly(D d, const FftReal<T>& plan, std::size_t row,
                                        std::size_t step, Cx<hn::Vec<D>>* a, T* rows) {
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) a[r] = exchanged(a[r]);
  Butterfly<R>::run(d, a);
  const T* w = plan.inverse.twiddles.data() + row * 2 * (R - 1);
  T* to = rows + row * 2 * hn::Lanes(d);
  store_row(d, a[0], to);
#pragma GCC unroll 8
  for (int r = 1; r < R; ++r) store_row(d, mul(a[r], broadcast(d, w + 2 * r - 2)), to + r * step);
}

/// Puts the spectra of even and odd samples together within the butterfly of row 0.
template <int R, class D, class T = hn::TFromD<D>>
HWY_INLINE void mirror_row_zero(D d, const FftReal<T>& plan, const T* rows, Cx<hn::Vec<D>>* a) {
  const T gain = T(1) / static_cast<T>(plan.size);
  const auto middle = load_row(d, rows + plan.height * 2 * hn::Lanes(d)).im;
  mirror_itself<R>(d, gain, plan.inverse_first.factors.data(), true, a);
  a[0] =
      scale(Cx<hn::Vec<D>>{hn::Add(a[0].re, middle), hn::Sub(a[0].re, middle)}, hn::Set(d, gain));
}

/// The first pass of the inverse's columns, the spectra of even and odd samples put together on
/// the way in. Rows come exchanged, and stay so.
template <int R, class D, class T = hn::TFromD<D>>
HWY_NOINLINE void first_inverse_pass(D d, const FftReal<T>& plan, T* rows, std::size_t begin,
                                     std::size_t end) {
  using V = hn::Vec<D>;
  const std::size_t size = 2 * hn::Lanes(d);
  const std::size_t step = plan.inverse.passes[0].span * size;
  const T gain = T(1) / static_cast<T>(plan.size);
  for (std::size_t i = begin; i < end; ++i) {
    const auto [row, mirror] = plan.inverse_first.pairs[i];
    const T* w = plan.inverse_first.factors.data() + i * 2 * R;
    Cx<V> a[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) a[r] = exchanged(load_row(d, rows + row * size + r * step));
    if (row == 0) {
      mirror_row_zero<R>(d, plan, rows, a);
    } else if (row == mirror) {
      mirror_itself<R>(d, gain, w, false, a);
    } else {
      Cx<V> b[R];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) b[r] = exchanged(load_row(d, rows + mirror * size + r * step));
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        mirror_step(hn::Set(d, gain), broadcast(d, w + 2 * r), a[r], b[R - 1 - r]);
      }
      first_inverse_butterfly<R>(d, plan, mirror, step, b, rows);
    }
    first_inverse_butterfly<R>(d, plan, row, step, a, rows);
  }
}

/// The only pass of columns that one butterfly does.
template <int R, class D, class T = hn::TFromD<D>>
HWY_NOINLINE void only_real_pass(D d, const FftReal<T>& plan, const T* x, T* rows) {
  const std::size_t size = 2 * hn::Lanes(d);
  const PairedRows<T> source{x};
  Cx<hn::Vec<D>> a[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) a[r] = source.load(d, r);
  Butterfly<R>::run(d, a);
  store_row(d, {hn::Sub(a[0].re, a[0].im), hn::Zero(d)}, rows + R * size);
  a[0] = {hn::Add(a[0].re, a[0].im), hn::Zero(d)};
  mirror_itself<R>(d, T(0.5), plan.forward_last.factors.data(), true, a);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) store_row(d, a[r], rows + r * size);
}
template <int R, class D, class T = hn::TFromD<D>>
HWY_NOINLINE void only_inverse_pass(D d, const FftReal<T>& plan, const T* rows, T* x) {
  const std::size_t size = 2 * hn::Lanes(d);
  Cx<hn::Vec<D>> a[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) a[r] = exchanged(load_row(d, rows + r * size));
  mirror_row_zero<R>(d, plan, rows, a);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) a[r] = exchanged(a[r]);
  Butterfly<R>::run(d, a);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    hn::StoreU(a[r].im, d, x + r * size);
    hn::StoreU(a[r].re, d, x + r * size + hn::Lanes(d));
  }
}

/// The last pass of the inverse, from exchanged rows to samples.
template <int R, class D, class T = hn::TFromD<D>>
HWY_NOINLINE void last_inverse_pass(D d, const FftReal<T>& plan, const T* rows, T* x,
                                    std::size_t begin, std::size_t end) {
  const std::size_t size = 2 * hn::Lanes(d);
  const std::size_t count = plan.height / R;
  for (std::size_t k = begin; k < end; ++k) {
    const T* from = rows + plan.inverse.row_of[k] * size;
    Cx<hn::Vec<D>> a[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) a[r] = load_row(d, from + r * size);
    Butterfly<R>::run(d, a);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r) {
      T* to = x + (k + r * count) * size;
      hn::StoreU(a[r].im, d, to);
      hn::StoreU(a[r].re, d, to + hn::Lanes(d));
    }
  }
}

/// The middle row's bins, by its matrix.
template <class D, class Bins, class T = hn::TFromD<D>>
HWY_INLINE void middle_forward(D d, const FftReal<T>& plan, const T* rows, const Bins& bins) {
  constexpr std::size_t kLanes = hn::MaxLanes(D());
  const T* row = rows + plan.forward.stored_rows() * 2 * kLanes;
  const T* matrix = plan.middle_forward.data();
  auto even = hn::Zero(d), odd = hn::Zero(d);
#pragma GCC unroll 16
  for (std::size_t l = 0; l < kLanes; l += 2) {
    even = hn::MulAdd(hn::Set(d, row[l]), hn::Load(d, matrix + l * kLanes), even);
    odd = hn::MulAdd(hn::Set(d, row[l + 1]), hn::Load(d, matrix + (l + 1) * kLanes), odd);
  }
  alignas(64) T sums[kLanes];
  hn::Store(hn::Add(even, odd), d, sums);
  for (std::size_t l = 0; l < kLanes / 2; ++l) {
    bins.middle_re(l) = sums[l];
    bins.middle_im(l) = sums[kLanes / 2 + l];
  }
}
template <class D, class Bins, class T = hn::TFromD<D>>
HWY_INLINE void middle_inverse(D d, const FftReal<T>& plan, const Bins& bins, T* rows) {
  constexpr std::size_t kLanes = hn::MaxLanes(D());
  const T* matrix = plan.middle_inverse.data();
  auto re = hn::Zero(d), im = hn::Zero(d);
#pragma GCC unroll 8
  for (std::size_t l = 0; l < kLanes / 2; ++l) {
    const T* row = matrix + l * kLanes;
    re = hn::MulAdd(hn::Set(d, bins.middle_re(l)), hn::Load(d, row), re);
    im = hn::MulAdd(hn::Set(d, bins.middle_im(l)), hn::Load(d, row + kLanes / 2 * kLanes), im);
  }
  store_row(d, {hn::Zero(d), hn::Add(re, im)}, rows + plan.height * 2 * kLanes);
}

/// The first pass of the inverse: across the lanes, from bins to exchanged rows.
template <class D, class Bins, class T = hn::TFromD<D>>
HWY_NOINLINE void inverse_lanes(D d, const FftReal<T>& plan, const Bins& bins, T* rows,
                                std::size_t begin, std::size_t end) {
  constexpr std::size_t kLanes = hn::MaxLanes(D());
  const T* w = plan.groups.twiddles.data() + begin * 2 * (kLanes - 1) * kLanes;
  for (std::size_t group = begin; group < end; ++group) {
    const std::uint32_t start = plan.groups.starts[group];
    Cx<hn::Vec<D>> a[kLanes];
#pragma GCC unroll 16
    for (std::size_t l = 0; l < kLanes; ++l) a[l] = exchanged(bins.load(d, l, start));
    Butterfly<static_cast<int>(kLanes)>::run(d, a);
    hn::Vec<D> re[kLanes], im[kLanes];
    re[0] = a[0].re;
    im[0] = a[0].im;
#pragma GCC unroll 16
    for (std::size_t l = 1; l < kLanes; ++l, w += 2 * kLanes) {
      const Cx<hn::Vec<D>> turned = mul(a[l], load_row(d, w));
      re[l] = turned.re;
      im[l] = turned.im;
    }
    T* to = rows + start * 2 * kLanes;
    transpose(d, re,
              [&](std::size_t k, hn::Vec<D> v) HWY_ATTR { hn::Store(v, d, to + k * 2 * kLanes); });
    transpose(d, im, [&](std::size_t k, hn::Vec<D> v) HWY_ATTR {
      hn::Store(v, d, to + k * 2 * kLanes + kLanes);
    });
  }
}

/// One part of many of [0, count).
struct FftSlice {
  std::size_t index = 0;
  std::size_t slices = 1;
  std::size_t begin(std::size_t count) const { return count * index / slices; }
  std::size_t end(std::size_t count) const { return count * (index + 1) / slices; }
};

/// A slice of one pass over all blocks of the columns.
template <class D, class Source, class T = hn::TFromD<D>>
HWY_INLINE void pass_slice(D d, const FftColumns<T>& plan, std::size_t level, const Source& source,
                           T* rows, FftSlice slice) {
  const FftPass& p = plan.passes[level];
  if (level == 0) {
    return pass(d, plan, 0, source, rows, 1, slice.begin(p.span), slice.end(p.span));
  }
  const FftPass& first = plan.passes[0];
  const std::size_t blocks = first.span / (p.radix * p.span);  // in each block of the first pass
  const std::size_t all = blocks * first.radix;
  const bool whole = all >= slice.slices;  // otherwise a slice of each block
  for (std::size_t b = whole ? slice.begin(all) : 0; b < (whole ? slice.end(all) : all); ++b) {
    const std::size_t row = b / blocks * (first.span + plan.gap) + b % blocks * (p.radix * p.span);
    T* from = rows + row * 2 * hn::Lanes(d);
    pass(d, plan, level, StoredRows<T>{from}, from, 1, whole ? 0 : slice.begin(p.span),
         whole ? p.span : slice.end(p.span));
  }
}

/// A slice of one stage: the passes of the columns, then the one across the lanes.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void forward_stage(D d, const FftReal<T>& plan, FftOrder order, const T* x, T* re, T* im,
                              T* rows, std::size_t stage, FftSlice slice) {
  const FftColumns<T>& columns = plan.forward;
  const std::size_t last = columns.passes.size() - 1;
  if (stage == 0) return pass_slice(d, columns, 0, PairedRows<T>{x}, rows, slice);
  if (stage < last) return pass_slice(d, columns, stage, StoredRows<T>{rows}, rows, slice);
  if (stage == last) {
    const std::size_t pairs = plan.forward_last.pairs.size();
    return with_radix(columns.passes[last].radix, [&](auto radix) HWY_ATTR {
      last_real_pass<decltype(radix)::value>(d, plan, rows, slice.begin(pairs), slice.end(pairs));
    });
  }
  const std::size_t groups = plan.groups.starts.size();
  with_bins<hn::MaxLanes(D())>(plan, order, re, im, [&](const auto& bins) HWY_ATTR {
    if (plan.middle_alone && slice.index == 0) middle_forward(d, plan, rows, bins);
    if constexpr (hn::MaxLanes(D()) * sizeof(T) == 64) {
      if (plan.halved()) return transform_half_group(d, plan, rows, bins);
    }
    transform_lanes<false>(d, plan.groups, columns.row_of.data(), rows, bins, slice.begin(groups),
                           slice.end(groups));
  });
}

/// The same back: the stage across the lanes first.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void inverse_stage(D d, const FftReal<T>& plan, FftOrder order, const T* re, const T* im,
                              T* x, T* rows, std::size_t stage, FftSlice slice) {
  const FftColumns<T>& columns = plan.inverse;
  const std::size_t last = columns.passes.size() - 1;
  if (stage == 0) {
    const std::size_t groups = plan.groups.starts.size();
    return with_bins<hn::MaxLanes(D())>(plan, order, re, im, [&](const auto& bins) HWY_ATTR {
      if (plan.middle_alone && slice.index == 0) middle_inverse(d, plan, bins, rows);
      if constexpr (hn::MaxLanes(D()) * sizeof(T) == 64) {
        if (plan.halved()) return inverse_half_group(d, plan, bins, rows);
      }
      inverse_lanes(d, plan, bins, rows, slice.begin(groups), slice.end(groups));
    });
  }
  const std::size_t level = stage - 1;
  if (level == 0) {
    const std::size_t pairs = plan.inverse_first.pairs.size();
    return with_radix(columns.passes[0].radix, [&](auto radix) HWY_ATTR {
      first_inverse_pass<decltype(radix)::value>(d, plan, rows, slice.begin(pairs),
                                                 slice.end(pairs));
    });
  }
  if (level < last) return pass_slice(d, columns, level, StoredRows<T>{rows}, rows, slice);
  const std::size_t blocks = plan.height / columns.passes[last].radix;
  with_radix(columns.passes[last].radix, [&](auto radix) HWY_ATTR {
    last_inverse_pass<decltype(radix)::value>(d, plan, rows, x, slice.begin(blocks),
                                              slice.end(blocks));
  });
}

template <std::size_t kLanes, class T>
HWY_NOINLINE void real_forward_of(const FftReal<T>& plan, FftOrder order, const T* x, T* re, T* im,
                                  T* rows, std::size_t step) {
  const hn::FixedTag<T, kLanes> d;
  const std::size_t last = plan.forward.passes.size() - 1;
  if (step != kFftWhole) {
    return forward_stage(d, plan, order, x, re, im, rows, step / plan.slices,
                         {step % plan.slices, plan.slices});
  }
  if (last == 0) {
    with_radix(plan.height, [&](auto radix) HWY_ATTR {
      only_real_pass<decltype(radix)::value>(d, plan, x, rows);
    });
  } else {
    transform_columns(d, plan.forward, PairedRows<T>{x}, rows, last);
    forward_stage(d, plan, order, x, re, im, rows, last, {});
  }
  forward_stage(d, plan, order, x, re, im, rows, last + 1, {});
}

template <std::size_t kLanes, class T>
HWY_NOINLINE void real_inverse_of(const FftReal<T>& plan, FftOrder order, const T* re, const T* im,
                                  T* x, T* rows, std::size_t step) {
  const hn::FixedTag<T, kLanes> d;
  const FftColumns<T>& columns = plan.inverse;
  const std::size_t last = columns.passes.size() - 1;
  if (step != kFftWhole) {
    return inverse_stage(d, plan, order, re, im, x, rows, step / plan.slices,
                         {step % plan.slices, plan.slices});
  }
  inverse_stage(d, plan, order, re, im, x, rows, 0, {});
  if (last == 0) {
    return with_radix(plan.height, [&](auto radix) HWY_ATTR {
      only_inverse_pass<decltype(radix)::value>(d, plan, rows, x);
    });
  }
  inverse_stage(d, plan, order, re, im, x, rows, 1, {});
  const FftPass& first = columns.passes[0];
  for (std::size_t s = 0; s < first.radix; ++s) {
    remaining_passes(d, columns, 1, last, rows + s * first.span * 2 * kLanes);
  }
  inverse_stage(d, plan, order, re, im, x, rows, last + 1, {});
}

template <class T>
void real_forward(const FftReal<T>& plan, FftOrder order, const T* x, T* re, T* im, T* scratch,
                  std::size_t step) {
  with_lanes<T>(plan.lanes, [&](auto lanes) HWY_ATTR {
    real_forward_of<decltype(lanes)::value>(plan, order, x, re, im, scratch, step);
  });
}
template <class T>
void real_inverse(const FftReal<T>& plan, FftOrder order, const T* re, const T* im, T* x,
                  T* scratch, std::size_t step) {
  with_lanes<T>(plan.lanes, [&](auto lanes) HWY_ATTR {
    real_inverse_of<decltype(lanes)::value>(plan, order, re, im, x, scratch, step);
  });
}

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
