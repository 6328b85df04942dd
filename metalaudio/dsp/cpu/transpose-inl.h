// Transposition of as many vectors as they have lanes, compiled once for each instruction set.
#include <hwy/highway.h>

#if defined(METALAUDIO_DSP_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_DSP_TRANSPOSE_INL_H_
#undef METALAUDIO_DSP_TRANSPOSE_INL_H_
#else
#define METALAUDIO_DSP_TRANSPOSE_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Within every 16-byte block: of four vectors of 4-byte numbers, or two of 8-byte ones.
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

/// Vector i of the four, or of fewer in narrower vectors: block i of each.
template <class V, std::size_t kCount>
HWY_INLINE void exchange_blocks(V (&v)[kCount]) {
  const hn::DFromV<V> d;
  if constexpr (kCount == 2) {
    const V upper = hn::ConcatUpperUpper(d, v[1], v[0]);
    v[0] = hn::ConcatLowerLower(d, v[1], v[0]);
    v[1] = upper;
  } else if constexpr (kCount == 4) {
    const V e0 = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(v[1]), v[0]);
    const V o0 = hn::OddEvenBlocks(v[1], hn::SwapAdjacentBlocks(v[0]));
    const V e1 = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(v[3]), v[2]);
    const V o1 = hn::OddEvenBlocks(v[3], hn::SwapAdjacentBlocks(v[2]));
    v[0] = hn::ConcatLowerLower(d, e1, e0);
    v[1] = hn::ConcatLowerLower(d, o1, o0);
    v[2] = hn::ConcatUpperUpper(d, e1, e0);
    v[3] = hn::ConcatUpperUpper(d, o1, o0);
  }
}

/// store(k, vector) with lane k of each of v, for every lane.
template <class D, class Store, class T = hn::TFromD<D>>
HWY_INLINE void transpose(D, hn::Vec<D>* v, const Store& store) {
  constexpr std::size_t kBlock = 16 / sizeof(T);
  constexpr std::size_t kBlocks = hn::MaxLanes(D()) / kBlock;
#pragma GCC unroll 16
  for (std::size_t q = 0; q < kBlocks; ++q) {
    transpose_blocks(hwy::SizeTag<sizeof(T)>(), v + q * kBlock);
  }
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kBlock; ++i) {
    hn::Vec<D> column[kBlocks];
#pragma GCC unroll 16
    for (std::size_t q = 0; q < kBlocks; ++q) column[q] = v[q * kBlock + i];
    exchange_blocks(column);
#pragma GCC unroll 16
    for (std::size_t q = 0; q < kBlocks; ++q) store(q * kBlock + i, column[q]);
  }
}

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
