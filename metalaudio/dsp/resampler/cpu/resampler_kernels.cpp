#include <metalaudio/dsp/resampler/cpu/resampler_kernels.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/dsp/resampler/cpu/resampler_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Four sums, so that a chain of additions is a quarter as long.
template <class D>
HWY_INLINE float dot(D d, const float* row, const float* x, std::size_t taps) {
  const std::size_t lanes = hn::Lanes(d);
  auto a = hn::Zero(d), b = hn::Zero(d), e = hn::Zero(d), f = hn::Zero(d);
  std::size_t k = 0;
  for (; k + 4 * lanes <= taps; k += 4 * lanes) {
    a = hn::MulAdd(hn::Load(d, row + k), hn::LoadU(d, x + k), a);
    b = hn::MulAdd(hn::Load(d, row + k + lanes), hn::LoadU(d, x + k + lanes), b);
    e = hn::MulAdd(hn::Load(d, row + k + 2 * lanes), hn::LoadU(d, x + k + 2 * lanes), e);
    f = hn::MulAdd(hn::Load(d, row + k + 3 * lanes), hn::LoadU(d, x + k + 3 * lanes), f);
  }
  for (; k < taps; k += lanes) a = hn::MulAdd(hn::Load(d, row + k), hn::LoadU(d, x + k), a);
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(e, f))));
}

void exact(const ResamplerPoint* points, std::size_t count, const float* table, std::size_t taps,
           const float* x, float* y) {
  const hn::ScalableTag<float> d;
  for (std::size_t i = 0; i < count; ++i) {
    y[i] = dot(d, table + points[i].row * taps, x + points[i].at, taps);
  }
}

template <class D>
struct Row {
  const float* from;
  std::size_t taps;
  hn::Vec<D> weights[4];

  HWY_INLINE hn::Vec<D> at(D d, std::size_t k) const {
    const auto low = hn::MulAdd(weights[1], hn::Load(d, from + taps + k),
                                hn::Mul(weights[0], hn::Load(d, from + k)));
    const auto high = hn::MulAdd(weights[3], hn::Load(d, from + 3 * taps + k),
                                 hn::Mul(weights[2], hn::Load(d, from + 2 * taps + k)));
    return hn::Add(low, high);
  }
};

/// kChannels channels share the weighting of the taps.
template <int kChannels, class D>
HWY_INLINE void interpolate(D d, const ResamplerPoint& point, const float* table, std::size_t taps,
                            const float* const* x, float* const* y, std::size_t i) {
  using V = hn::Vec<D>;
  const std::size_t lanes = hn::Lanes(d);
  const Row<D> row{table + point.row * taps,
                   taps,
                   {hn::Set(d, point.weights[0]), hn::Set(d, point.weights[1]),
                    hn::Set(d, point.weights[2]), hn::Set(d, point.weights[3])}};
  V even[kChannels], odd[kChannels];
#pragma GCC unroll 4
  for (int c = 0; c < kChannels; ++c) even[c] = odd[c] = hn::Zero(d);
  std::size_t k = 0;
  for (; k + 2 * lanes <= taps; k += 2 * lanes) {
    const V first = row.at(d, k), second = row.at(d, k + lanes);
#pragma GCC unroll 4
    for (int c = 0; c < kChannels; ++c) {
      const float* from = x[c] + point.at + k;
      even[c] = hn::MulAdd(first, hn::LoadU(d, from), even[c]);
      odd[c] = hn::MulAdd(second, hn::LoadU(d, from + lanes), odd[c]);
    }
  }
  if (k < taps) {
    const V last = row.at(d, k);
#pragma GCC unroll 4
    for (int c = 0; c < kChannels; ++c) {
      even[c] = hn::MulAdd(last, hn::LoadU(d, x[c] + point.at + k), even[c]);
    }
  }
#pragma GCC unroll 4
  for (int c = 0; c < kChannels; ++c)
    y[c][i] = hn::GetLane(hn::SumOfLanes(d, hn::Add(even[c], odd[c])));
}

void interpolated(const ResamplerPoint* points, std::size_t count, const float* table,
                  std::size_t taps, const float* const* x, float* const* y, std::size_t channels) {
  const hn::ScalableTag<float> d;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t c = 0;
    for (; c + 4 <= channels; c += 4) interpolate<4>(d, points[i], table, taps, x + c, y + c, i);
    for (; c + 2 <= channels; c += 2) interpolate<2>(d, points[i], table, taps, x + c, y + c, i);
    if (c < channels) interpolate<1>(d, points[i], table, taps, x + c, y + c, i);
  }
}

const ResamplerKernels* resampler_table() {
  static constexpr ResamplerKernels kTable = {exact, interpolated};
  return &kTable;
}

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::dsp {

HWY_EXPORT(resampler_table);
const ResamplerKernels& resampler_kernels() { return *HWY_DYNAMIC_DISPATCH(resampler_table)(); }

}  // namespace metalaudio::dsp
#endif
