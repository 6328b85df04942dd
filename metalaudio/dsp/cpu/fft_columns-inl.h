// Transforms down the columns of a matrix of vectors, compiled once for each instruction set.
#include <metalaudio/dsp/cpu/fft_plan.h>

#include <metalaudio/dsp/cpu/fft_butterflies-inl.h>

#if defined(METALAUDIO_DSP_FFT_COLUMNS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_DSP_FFT_COLUMNS_INL_H_
#undef METALAUDIO_DSP_FFT_COLUMNS_INL_H_
#else
#define METALAUDIO_DSP_FFT_COLUMNS_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

/// Rows in working memory: a vector of real parts, then one of imaginary parts.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE Cx<hn::Vec<D>> load_row(D d, const T* row) {
  return {hn::Load(d, row), hn::Load(d, row + hn::Lanes(d))};
}
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void store_row(D d, Cx<hn::Vec<D>> v, T* row) {
  hn::Store(v.re, d, row);
  hn::Store(v.im, d, row + hn::Lanes(d));
}

/// Interleaved complex input, a row of it in each vector. The lanes come out in the order that
/// costs one shuffle: lane j holds number j/2, plus half the lanes if j is odd.
template <class T>
struct InterleavedRows {
  static constexpr bool kShuffled = true;
  const T* x;
  template <class D>
  HWY_INLINE Cx<hn::Vec<D>> load(D d, std::size_t row) const {
    const auto a = hn::LoadU(d, x + row * 2 * hn::Lanes(d));
    const auto b = hn::LoadU(d, x + row * 2 * hn::Lanes(d) + hn::Lanes(d));
    return {hn::OddEven(hn::DupEven(b), a), hn::OddEven(b, hn::DupOdd(a))};
  }
};

/// Split input whose rows are `stride` apart.
template <class T>
struct SplitRows {
  static constexpr bool kShuffled = false;
  const T* re;
  const T* im;
  std::size_t stride;
  template <class D>
  HWY_INLINE Cx<hn::Vec<D>> load(D d, std::size_t row) const {
    return {hn::LoadU(d, re + row * stride), hn::LoadU(d, im + row * stride)};
  }
};

/// Rows that are in working memory already.
template <class T>
struct StoredRows {
  const T* rows;
  template <class D>
  HWY_INLINE Cx<hn::Vec<D>> load(D d, std::size_t row) const {
    return load_row(d, rows + row * 2 * hn::Lanes(d));
  }
};

/// One pass over `blocks` blocks of R · span rows, or in each over butterflies [begin, end).
template <int R, class D, class Source, class T = hn::TFromD<D>>
HWY_INLINE void pass_of(D d, const Source& source, T* rows, std::size_t blocks, std::size_t span,
                        const T* twiddles, std::size_t begin, std::size_t end) {
  const std::size_t size = 2 * hn::Lanes(d);
  for (std::size_t b = 0; b < blocks; ++b) {
    const T* w = twiddles + begin * 2 * (R - 1);
    for (std::size_t j = begin; j < end; ++j) {
      const std::size_t row = b * R * span + j;
      Cx<hn::Vec<D>> a[R];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) a[r] = source.load(d, row + static_cast<std::size_t>(r) * span);
      Butterfly<R>::run(d, a);
      store_row(d, a[0], rows + row * size);
#pragma GCC unroll 8
      for (int s = 1; s < R; ++s, w += 2) {
        a[s] = mul(a[s], Cx<hn::Vec<D>>{hn::Set(d, w[0]), hn::Set(d, w[1])});
        store_row(d, a[s], rows + (row + static_cast<std::size_t>(s) * span) * size);
      }
    }
  }
}

/// The last pass: blocks of R rows, whose twiddle factors are all one.
template <int R, class D, class Source, class T = hn::TFromD<D>>
HWY_INLINE void last_pass_of(D d, const Source& source, T* rows, std::size_t blocks) {
  const std::size_t size = 2 * hn::Lanes(d);
  for (std::size_t b = 0; b < blocks; ++b) {
    Cx<hn::Vec<D>> a[R];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r) a[r] = source.load(d, b * R + r);
    Butterfly<R>::run(d, a);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r) store_row(d, a[r], rows + (b * R + r) * size);
  }
}

template <int R, class D, class Source, class T = hn::TFromD<D>>
HWY_NOINLINE void either_pass(D d, const Source& source, T* rows, std::size_t blocks,
                              std::size_t span, const T* twiddles) {
  if (span == 1) {
    last_pass_of<R>(d, source, rows, blocks);
  } else {
    pass_of<R>(d, source, rows, blocks, span, twiddles, 0, span);
  }
}

template <class D, class Source, class T = hn::TFromD<D>>
HWY_INLINE void pass(D d, const FftColumns<T>& plan, std::size_t level, const Source& source,
                     T* rows, std::size_t blocks) {
  const FftPass& p = plan.passes[level];
  const T* w = plan.twiddles.data() + p.twiddles;
  switch (p.radix) {
    case 2:
      return either_pass<2>(d, source, rows, blocks, p.span, w);
    case 3:
      return either_pass<3>(d, source, rows, blocks, p.span, w);
    case 4:
      return either_pass<4>(d, source, rows, blocks, p.span, w);
    case 5:
      return either_pass<5>(d, source, rows, blocks, p.span, w);
    case 7:
      return either_pass<7>(d, source, rows, blocks, p.span, w);
    default:
      return either_pass<8>(d, source, rows, blocks, p.span, w);
  }
}

/// The passes from `level` on over one block: pass by pass once the block fits the first-level
/// cache, until then one sub-block after the other.
template <class D, class T = hn::TFromD<D>>
HWY_NOINLINE void remaining_passes(D d, const FftColumns<T>& plan, std::size_t level, T* rows) {
  constexpr std::size_t kCacheBytes = 24 * 1024;
  const std::size_t levels = plan.passes.size();
  if (level == levels) return;
  const std::size_t size = 2 * hn::Lanes(d);
  const FftPass& p = plan.passes[level];
  if (p.radix * p.span * size * sizeof(T) <= kCacheBytes) {
    for (std::size_t blocks = 1; level < levels; blocks *= plan.passes[level++].radix) {
      pass(d, plan, level, StoredRows<T>{rows}, rows, blocks);
    }
    return;
  }
  pass(d, plan, level, StoredRows<T>{rows}, rows, 1);
  for (std::size_t s = 0; s < p.radix; ++s) {
    remaining_passes(d, plan, level + 1, rows + s * p.span * size);
  }
}

/// The whole transform, from its source into rows; output k is then in row plan.row_of[k].
template <class D, class Source, class T = hn::TFromD<D>>
HWY_INLINE void transform_columns(D d, const FftColumns<T>& plan, const Source& source, T* rows) {
  constexpr std::size_t kCacheBytes = 24 * 1024;
  const std::size_t size = 2 * hn::Lanes(d);
  if (plan.passes.empty()) return store_row(d, source.load(d, 0), rows);
  pass(d, plan, 0, source, rows, 1);
  const FftPass& first = plan.passes[0];
  if (plan.rows * size * sizeof(T) <= kCacheBytes) {
    std::size_t blocks = first.radix;
    for (std::size_t level = 1; level < plan.passes.size(); ++level) {
      pass(d, plan, level, StoredRows<T>{rows}, rows, blocks);
      blocks *= plan.passes[level].radix;
    }
    return;
  }
  for (std::size_t s = 0; s < first.radix; ++s) {
    remaining_passes(d, plan, 1, rows + s * first.span * size);
  }
}

/// A slice of the first pass, for transforms in steps; their first radix is always 8.
template <class D, class Source, class T = hn::TFromD<D>>
HWY_INLINE void first_pass_slice(D d, const FftColumns<T>& plan, const Source& source, T* rows,
                                 std::size_t slice, std::size_t slices) {
  const FftPass& p = plan.passes[0];
  pass_of<8>(d, source, rows, 1, p.span, plan.twiddles.data() + p.twiddles, slice * p.span / slices,
             (slice + 1) * p.span / slices);
}

template <class V>
HWY_INLINE void transpose_blocks(hwy::SizeTag<4>, V* v) {
  const hn::DFromV<V> d;
  const hn::RepartitionToWide<decltype(d)> dw;
  const auto t0 = hn::BitCast(dw, hn::InterleaveLower(d, v[0], v[1]));
  const auto t1 = hn::BitCast(dw, hn::InterleaveUpper(d, v[0], v[1]));
  const auto t2 = hn::BitCast(dw, hn::InterleaveLower(d, v[2], v[3]));
  const auto t3 = hn::BitCast(dw, hn::InterleaveUpper(d, v[2], v[3]));
  v[0] = hn::BitCast(d, hn::InterleaveLower(dw, t0, t2));
  v[1] = hn::BitCast(d, hn::InterleaveUpper(dw, t0, t2));
  v[2] = hn::BitCast(d, hn::InterleaveLower(dw, t1, t3));
  v[3] = hn::BitCast(d, hn::InterleaveUpper(dw, t1, t3));
}
template <class V>
HWY_INLINE void transpose_blocks(hwy::SizeTag<8>, V* v) {
  const hn::DFromV<V> d;
  const V upper = hn::InterleaveUpper(d, v[0], v[1]);
  v[0] = hn::InterleaveLower(d, v[0], v[1]);
  v[1] = upper;
}

/// Loads one 16-byte block of several rows into one vector, the first row lowest.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_blocks(D d, const T* base, const std::uint32_t* rows, std::size_t step) {
  constexpr std::size_t kBlock = 16 / sizeof(T);
  if constexpr (hn::MaxLanes(D()) == kBlock) {
    return hn::Load(d, base + rows[0]);
  } else {
    const hn::Half<D> half;
    const std::size_t blocks = hn::Lanes(half) / kBlock;
    return hn::Combine(d, load_blocks(half, base, rows + step * blocks, step),
                       load_blocks(half, base, rows, step));
  }
}

/// out[l] = lane l of each of the rows: as many vectors as there are lanes.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void load_transposed(D d, const T* base, const std::uint32_t* rows, hn::Vec<D>* out) {
  constexpr std::size_t kBlock = 16 / sizeof(T);
  constexpr std::size_t kLanes = hn::MaxLanes(D());
#pragma GCC unroll 16
  for (std::size_t q = 0; q < kLanes / kBlock; ++q) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kBlock; ++i) {
      out[q * kBlock + i] = load_blocks(d, base + q * kBlock, rows + i, kBlock);
    }
    transpose_blocks(hwy::SizeTag<sizeof(T)>(), out + q * kBlock);
  }
}

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
