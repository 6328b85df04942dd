// Between planar channels and tiles x[frames][lanes], compiled for each instruction set.
#include <metalaudio/dsp/cpu/biquad_kernels.h>

#include <metalaudio/dsp/cpu/transpose-inl.h>

#if defined(METALAUDIO_DSP_BIQUAD_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_DSP_BIQUAD_TILES_INL_H_
#undef METALAUDIO_DSP_BIQUAD_TILES_INL_H_
#else
#define METALAUDIO_DSP_BIQUAD_TILES_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

inline void gather(const float* const* channels, std::size_t count, std::size_t first,
                   std::size_t frames, float* x) {
  const hn::ScalableTag<float> d;
  constexpr std::size_t kLanes = hn::MaxLanes(decltype(d)());
  std::size_t f = 0;
  if (count == kLanes) {
    for (; f + kLanes <= frames; f += kLanes, x += kLanes * kLanes) {
      hn::Vec<decltype(d)> v[kLanes];
#pragma GCC unroll 16
      for (std::size_t c = 0; c < kLanes; ++c) v[c] = hn::LoadU(d, channels[c] + first + f);
      transpose(d, v, [&](std::size_t i, hn::Vec<decltype(d)> row) HWY_ATTR {
        hn::Store(row, d, x + i * kLanes);
      });
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
    for (; f + kLanes <= frames; f += kLanes, x += kLanes * kLanes) {
      hn::Vec<decltype(d)> v[kLanes];
#pragma GCC unroll 16
      for (std::size_t i = 0; i < kLanes; ++i) v[i] = hn::Load(d, x + i * kLanes);
      transpose(d, v, [&](std::size_t c, hn::Vec<decltype(d)> channel) HWY_ATTR {
        hn::StoreU(channel, d, channels[c] + first + f);
      });
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
