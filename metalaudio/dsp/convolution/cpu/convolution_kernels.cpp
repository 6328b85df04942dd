#include <metalaudio/dsp/convolution/cpu/convolution_kernels.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/dsp/convolution/cpu/convolution_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// kVectors vectors of outputs at a time, so that each tap is loaded once for all of them.
template <int kVectors, class D>
HWY_INLINE void direct_vectors(D d, const float* x, const float* taps, std::size_t count,
                               hn::Vec<D>* sum) {
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t t = 0; t < count; ++t) {
    const auto tap = hn::Set(d, taps[t]);
    const float* from = x - t;
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kVectors; ++v) {
      sum[v] = hn::MulAdd(tap, hn::LoadU(d, from + v * lanes), sum[v]);
    }
  }
}

void direct(const float* x, const float* taps, std::size_t count, std::size_t n, float* y) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    hn::Vec<decltype(d)> sum[4] = {hn::LoadU(d, y + i), hn::LoadU(d, y + i + lanes),
                                   hn::LoadU(d, y + i + 2 * lanes),
                                   hn::LoadU(d, y + i + 3 * lanes)};
    direct_vectors<4>(d, x + i, taps, count, sum);
    for (std::size_t v = 0; v < 4; ++v) hn::StoreU(sum[v], d, y + i + v * lanes);
  }
  HWY_ALIGN float rest[HWY_MAX_BYTES / sizeof(float)] = {};
  for (; i < n; i += lanes) {
    const std::size_t left = HWY_MIN(lanes, n - i);
    for (std::size_t k = 0; k < left; ++k) rest[k] = y[i + k];
    hn::Vec<decltype(d)> sum[1] = {hn::Load(d, rest)};
    direct_vectors<1>(d, x + i, taps, count, sum);
    hn::Store(sum[0], d, rest);
    for (std::size_t k = 0; k < left; ++k) y[i + k] = rest[k];
  }
}

/// The two products of each part are summed apart, which halves the chain of additions.
template <int kVectors, class D>
HWY_INLINE void multiply_vectors(D d, const float* const* a, const float* const* b,
                                 std::size_t count, std::size_t half, std::size_t k, float* sum) {
  using V = hn::Vec<D>;
  const std::size_t lanes = hn::Lanes(d);
  V rr[kVectors], ii[kVectors], ri[kVectors], ir[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) rr[v] = ii[v] = ri[v] = ir[v] = hn::Zero(d);
  for (std::size_t j = 0; j < count; ++j) {
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kVectors; ++v) {
      const float* pa = a[j] + k + v * lanes;
      const float* pb = b[j] + k + v * lanes;
      const V ar = hn::Load(d, pa), ai = hn::Load(d, pa + half);
      const V br = hn::Load(d, pb), bi = hn::Load(d, pb + half);
      rr[v] = hn::MulAdd(ar, br, rr[v]);
      ii[v] = hn::MulAdd(ai, bi, ii[v]);
      ri[v] = hn::MulAdd(ar, bi, ri[v]);
      ir[v] = hn::MulAdd(ai, br, ir[v]);
    }
  }
#pragma GCC unroll 4
  for (std::size_t v = 0; v < kVectors; ++v) {
    hn::Store(hn::Sub(rr[v], ii[v]), d, sum + k + v * lanes);
    hn::Store(hn::Add(ri[v], ir[v]), d, sum + k + v * lanes + half);
  }
}

void multiply_sum(const float* const* a, const float* const* b, std::size_t count, std::size_t half,
                  std::size_t begin, std::size_t end, float* sum) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t k = begin;
  for (; k + 2 * lanes <= end; k += 2 * lanes) {
    multiply_vectors<2>(d, a, b, count, half, k, sum);
  }
  for (; k < end; k += lanes) multiply_vectors<1>(d, a, b, count, half, k, sum);
}

const ConvolutionKernels* convolution_table() {
  static constexpr ConvolutionKernels kTable = {direct, multiply_sum};
  return &kTable;
}

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::dsp {

HWY_EXPORT(convolution_table);
const ConvolutionKernels& convolution_kernels() {
  return *HWY_DYNAMIC_DISPATCH(convolution_table)();
}

}  // namespace metalaudio::dsp
#endif
