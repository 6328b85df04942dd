// Between planar channels and tiles x[frames][lanes], compiled for each instruction set.
#include <metalaudio/dsp/cpu/biquad_kernels.h>

#include <hwy/highway.h>

#if defined(METALAUDIO_DSP_BIQUAD_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_DSP_BIQUAD_TILES_INL_H_
#undef METALAUDIO_DSP_BIQUAD_TILES_INL_H_
#else
#define METALAUDIO_DSP_BIQUAD_TILES_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Transposes 4x4 numbers within every 128-bit block.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void transpose_blocks4(D d, V* v) {
  const hn::RepartitionToWide<D> dw;
  const V a = hn::InterleaveLower(d, v[0], v[1]);
  const V b = hn::InterleaveUpper(d, v[0], v[1]);
  const V c = hn::InterleaveLower(d, v[2], v[3]);
  const V e = hn::InterleaveUpper(d, v[2], v[3]);
  const auto wide = [&](V x) { return hn::BitCast(dw, x); };
  v[0] = hn::BitCast(d, hn::InterleaveLower(dw, wide(a), wide(c)));
  v[1] = hn::BitCast(d, hn::InterleaveUpper(dw, wide(a), wide(c)));
  v[2] = hn::BitCast(d, hn::InterleaveLower(dw, wide(b), wide(e)));
  v[3] = hn::BitCast(d, hn::InterleaveUpper(dw, wide(b), wide(e)));
}

/// Block b of the vector: four frames of channel 4·b.
template <class D>
HWY_INLINE hn::Vec<D> load_blocks4(D d, const float* const* channels, std::size_t at) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return hn::LoadU(d, channels[0] + at);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, load_blocks4(half, channels + hn::MaxLanes(half), at),
                       load_blocks4(half, channels, at));
  }
}

template <class D>
HWY_INLINE void store_blocks4(D d, hn::Vec<D> v, float* const* channels, std::size_t at) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    hn::StoreU(v, d, channels[0] + at);
  } else {
    const hn::Half<D> half;
    store_blocks4(half, hn::LowerHalf(half, v), channels, at);
    store_blocks4(half, hn::UpperHalf(half, v), channels + hn::MaxLanes(half), at);
  }
}

inline void gather(const float* const* channels, std::size_t count, std::size_t first,
                   std::size_t frames, float* x) {
  const hn::ScalableTag<float> d;
  constexpr std::size_t kLanes = hn::MaxLanes(decltype(d)());
  std::size_t f = 0;
  if (count == kLanes) {
    for (; f + 4 <= frames; f += 4, x += 4 * kLanes) {
      hn::Vec<decltype(d)> v[4];
#pragma GCC unroll 4
      for (std::size_t i = 0; i < 4; ++i) v[i] = load_blocks4(d, channels + i, first + f);
      transpose_blocks4(d, v);
#pragma GCC unroll 4
      for (std::size_t i = 0; i < 4; ++i) hn::Store(v[i], d, x + i * kLanes);
    }
  }
  for (; f < frames; ++f, x += kLanes) {
    for (std::size_t c = 0; c < kLanes; ++c) x[c] = c < count ? channels[c][first + f] : 0.0F;
  }
}

inline void scatter(const float* x, std::size_t frames, float* const* channels, std::size_t count,
                    std::size_t first) {
  const hn::ScalableTag<float> d;
  constexpr std::size_t kLanes = hn::MaxLanes(decltype(d)());
  std::size_t f = 0;
  if (count == kLanes) {
    for (; f + 4 <= frames; f += 4, x += 4 * kLanes) {
      hn::Vec<decltype(d)> v[4];
#pragma GCC unroll 4
      for (std::size_t i = 0; i < 4; ++i) v[i] = hn::Load(d, x + i * kLanes);
      transpose_blocks4(d, v);
#pragma GCC unroll 4
      for (std::size_t i = 0; i < 4; ++i) store_blocks4(d, v[i], channels + i, first + f);
    }
  }
  for (; f < frames; ++f, x += kLanes) {
    for (std::size_t c = 0; c < count; ++c) channels[c][first + f] = x[c];
  }
}

inline void load_rows(const float* in, std::size_t stride, std::size_t count, std::size_t frames,
                      float* x) {
  const hn::ScalableTag<float> d;
  constexpr std::size_t kLanes = hn::MaxLanes(decltype(d)());
  for (std::size_t f = 0; f < frames; ++f, in += stride, x += kLanes) {
    if (count == kLanes) {
      hn::Store(hn::LoadU(d, in), d, x);
    } else {
      for (std::size_t c = 0; c < kLanes; ++c) x[c] = c < count ? in[c] : 0.0F;
    }
  }
}

inline void store_rows(const float* x, std::size_t frames, float* out, std::size_t stride,
                       std::size_t count) {
  const hn::ScalableTag<float> d;
  constexpr std::size_t kLanes = hn::MaxLanes(decltype(d)());
  for (std::size_t f = 0; f < frames; ++f, out += stride, x += kLanes) {
    if (count == kLanes) {
      hn::StoreU(hn::Load(d, x), d, out);
    } else {
      for (std::size_t c = 0; c < count; ++c) out[c] = x[c];
    }
  }
}

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
