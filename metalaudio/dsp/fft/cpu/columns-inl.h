// Transforms down the columns of a matrix of vectors, compiled once for each instruction set.
#include <metalaudio/dsp/fft/cpu/plan.h>

#include <metalaudio/dsp/cpu/transpose-inl.h>
#include <metalaudio/dsp/fft/cpu/butterflies-inl.h>

#include <type_traits>

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
/// Outputs are `gap` rows further apart.
template <int R, class D, class Source, class T = hn::TFromD<D>>
HWY_INLINE void pass_of(D d, const Source& source, T* rows, std::size_t blocks, std::size_t span,
                        std::size_t gap, const T* twiddles, std::size_t begin, std::size_t end) {
  const std::size_t size = 2 * hn::Lanes(d);
  const std::size_t step = (span + gap) * size;
  for (std::size_t b = 0; b < blocks; ++b) {
    const T* w = twiddles + begin * 2 * (R - 1);
    for (std::size_t j = begin; j < end; ++j) {
      const std::size_t row = b * R * span + j;
      Cx<hn::Vec<D>> a[R];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) a[r] = source.load(d, row + static_cast<std::size_t>(r) * span);
      Butterfly<R>::run(d, a);
      T* to = rows + row * size;
      store_row(d, a[0], to);
#pragma GCC unroll 8
      for (int s = 1; s < R; ++s, w += 2) {
        a[s] = mul(a[s], Cx<hn::Vec<D>>{hn::Set(d, w[0]), hn::Set(d, w[1])});
        store_row(d, a[s], to + static_cast<std::size_t>(s) * step);
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
                              std::size_t span, std::size_t gap, const T* twiddles,
                              std::size_t begin, std::size_t end) {
  if (span == 1) {
    last_pass_of<R>(d, source, rows, blocks);
  } else {
    pass_of<R>(d, source, rows, blocks, span, gap, twiddles, begin, end);
  }
}

/// Calls body(std::integral_constant<int, radix>()).
template <class Body>
HWY_INLINE void with_radix(std::size_t radix, const Body& body) {
  switch (radix) {
    case 2:
      return body(std::integral_constant<int, 2>());
    case 3:
      return body(std::integral_constant<int, 3>());
    case 4:
      return body(std::integral_constant<int, 4>());
    case 5:
      return body(std::integral_constant<int, 5>());
    case 7:
      return body(std::integral_constant<int, 7>());
    default:
      return body(std::integral_constant<int, 8>());
  }
}

/// Butterflies [begin, end) of each block.
template <class D, class Source, class T = hn::TFromD<D>>
HWY_INLINE void pass(D d, const FftColumns<T>& plan, std::size_t level, const Source& source,
                     T* rows, std::size_t blocks, std::size_t begin, std::size_t end) {
  const FftPass& p = plan.passes[level];
  const T* w = plan.twiddles.data() + p.twiddles;
  const std::size_t gap = level == 0 ? plan.gap : 0;
  with_radix(p.radix, [&](auto radix) HWY_ATTR {
    either_pass<decltype(radix)::value>(d, source, rows, blocks, p.span, gap, w, begin, end);
  });
}
template <class D, class Source, class T = hn::TFromD<D>>
HWY_INLINE void pass(D d, const FftColumns<T>& plan, std::size_t level, const Source& source,
                     T* rows, std::size_t blocks) {
  pass(d, plan, level, source, rows, blocks, 0, plan.passes[level].span);
}

/// Passes [level, end) over one block: pass by pass once the block fits the first-level cache,
/// until then one sub-block after the other.
template <class D, class T = hn::TFromD<D>>
HWY_NOINLINE void remaining_passes(D d, const FftColumns<T>& plan, std::size_t level,
                                   std::size_t end, T* rows) {
  constexpr std::size_t kCacheBytes = 24 * 1024;
  if (level == end) return;
  const std::size_t size = 2 * hn::Lanes(d);
  const FftPass& p = plan.passes[level];
  if (p.radix * p.span * size * sizeof(T) <= kCacheBytes) {
    for (std::size_t blocks = 1; level < end; blocks *= plan.passes[level++].radix) {
      pass(d, plan, level, StoredRows<T>{rows}, rows, blocks);
    }
    return;
  }
  pass(d, plan, level, StoredRows<T>{rows}, rows, 1);
  for (std::size_t s = 0; s < p.radix; ++s) {
    remaining_passes(d, plan, level + 1, end, rows + s * p.span * size);
  }
}

/// The first `levels` passes of the transform, from its source into rows; after the last, output k
/// is in row plan.row_of[k].
template <class D, class Source, class T = hn::TFromD<D>>
HWY_INLINE void transform_columns(D d, const FftColumns<T>& plan, const Source& source, T* rows,
                                  std::size_t levels) {
  constexpr std::size_t kCacheBytes = 24 * 1024;
  const std::size_t size = 2 * hn::Lanes(d);
  if (levels == 0) return store_row(d, source.load(d, 0), rows);
  pass(d, plan, 0, source, rows, 1);
  const FftPass& first = plan.passes[0];
  if (plan.gap == 0 && plan.rows * size * sizeof(T) <= kCacheBytes) {
    std::size_t blocks = first.radix;
    for (std::size_t level = 1; level < levels; ++level) {
      pass(d, plan, level, StoredRows<T>{rows}, rows, blocks);
      blocks *= plan.passes[level].radix;
    }
    return;
  }
  for (std::size_t s = 0; s < first.radix; ++s) {
    remaining_passes(d, plan, 1, levels, rows + s * (first.span + plan.gap) * size);
  }
}
template <class D, class Source, class T = hn::TFromD<D>>
HWY_INLINE void transform_columns(D d, const FftColumns<T>& plan, const Source& source, T* rows) {
  transform_columns(d, plan, source, rows, plan.passes.size());
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

/// out[l] = number l of each of the rows, l < kCount.
template <std::size_t kCount, class D, class T = hn::TFromD<D>>
HWY_INLINE void load_transposed(D d, const T* base, const std::uint32_t* rows, hn::Vec<D>* out) {
  constexpr std::size_t kBlock = 16 / sizeof(T);
#pragma GCC unroll 16
  for (std::size_t q = 0; q < kCount / kBlock; ++q) {
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
