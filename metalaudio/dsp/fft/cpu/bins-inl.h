// The bins of a real transform in memory, compiled once for each instruction set.
#include <metalaudio/dsp/fft/cpu/real_plan.h>

#include <metalaudio/dsp/fft/cpu/interleave-inl.h>

#if defined(METALAUDIO_DSP_FFT_BINS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_DSP_FFT_BINS_INL_H_
#undef METALAUDIO_DSP_FFT_BINS_INL_H_
#else
#define METALAUDIO_DSP_FFT_BINS_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

// Both load and store vectors of the bins k + 2·height·across, k = start, start + 1, …; the bins of
// the middle row one by one.

template <class T>
struct UnorderedBins {
  T* re;
  T* im;
  std::size_t stride;
  std::size_t middle;  ///< where the middle row's bins are
  template <class D>
  HWY_INLINE void store(D d, Cx<hn::Vec<D>> v, std::size_t across, std::size_t start) const {
    hn::StoreU(v.re, d, re + across * stride + start);
    hn::StoreU(v.im, d, im + across * stride + start);
  }
  /// The lower half to `across`, the upper to the next.
  template <class D>
  HWY_INLINE void store_halves(D d, Cx<hn::Vec<D>> v, std::size_t across, std::size_t start) const {
    store(hn::Half<D>(), lower_half(d, v), across, start);
    store(hn::Half<D>(), upper_half(d, v), across + 1, start);
  }
  template <class D>
  HWY_INLINE Cx<hn::Vec<D>> load(D d, std::size_t across, std::size_t start) const {
    return {hn::LoadU(d, re + across * stride + start), hn::LoadU(d, im + across * stride + start)};
  }
  HWY_INLINE T& middle_re(std::size_t across) const { return re[middle + across]; }
  HWY_INLINE T& middle_im(std::size_t across) const { return im[middle + across]; }
};

/// Bins 0 to size/2, the others as their mirror images.
template <class T, std::size_t kAcross, class Memory>
struct OrderedBins {
  Memory memory;
  std::size_t rows;  ///< 2 · height
  template <class D>
  HWY_INLINE void store(D d, Cx<hn::Vec<D>> v, std::size_t across, std::size_t start) const {
    if (across < kAcross / 2) return memory.store(d, v, rows * across + start);
    memory.store_reversed(d, conjugated(v), mirror<D>(across, start));
  }
  template <class D>
  HWY_INLINE void store_halves(D d, Cx<hn::Vec<D>> v, std::size_t across, std::size_t start) const {
    using Half = hn::Half<D>;
    if (across < kAcross / 2) {
      return memory.store_halves(d, v, rows * across + start, rows * (across + 1) + start);
    }
    memory.store_halves_reversed(d, conjugated(v), mirror<Half>(across, start),
                                 mirror<Half>(across + 1, start));
  }
  template <class D>
  HWY_INLINE Cx<hn::Vec<D>> load(D d, std::size_t across, std::size_t start) const {
    if (across < kAcross / 2) return memory.load(d, rows * across + start);
    return conjugated(memory.load_reversed(d, mirror<D>(across, start)));
  }
  /// Where the mirror image of the last of a vector's bins is.
  template <class D>
  HWY_INLINE std::size_t mirror(std::size_t across, std::size_t start) const {
    return rows * (kAcross - across) - start - (hn::MaxLanes(D()) - 1);
  }
  HWY_INLINE T& middle_re(std::size_t across) const { return *memory.re(middle(across)); }
  HWY_INLINE T& middle_im(std::size_t across) const { return *memory.im(middle(across)); }
  HWY_INLINE std::size_t middle(std::size_t across) const { return rows / 2 + rows * across; }
};

/// body(bins) with the spectrum in memory as the order says.
template <std::size_t kLanes, class T, class Plan, class Body>
HWY_INLINE void with_bins(const Plan& plan, FftOrder order, T* re, T* im, const Body& body) {
  const std::size_t rows = 2 * plan.height;
  switch (order) {
    case FftOrder::unordered:
      return body(UnorderedBins<T>{re, im, plan.stride, kLanes * plan.stride});
    case FftOrder::split:
      return body(OrderedBins<T, kLanes, SplitMemory<T>>{{re, im}, rows});
    case FftOrder::interleaved:
      return body(OrderedBins<T, kLanes, InterleavedMemory<T>>{{re}, rows});
  }
}

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
