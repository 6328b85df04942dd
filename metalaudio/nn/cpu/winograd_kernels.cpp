#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/nn/cpu/winograd_kernels.cpp"
#include <hwy/foreach_target.h>
// clang-format off: the macro above must come first
#include <hwy/highway.h>
#include <metalaudio/nn/cpu/math-inl.h>
// clang-format on

#include <metalaudio/nn/cpu/winograd_kernels.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {

/// One row of v: of rows a and b of the values it is a - b, a + b or a alone.
enum class Rows { difference, sum, one };

template <Rows kRows>
HWY_INLINE void transform_row(const float* const* a, const float* const* b, std::size_t channels,
                              float* HWY_RESTRICT to, std::size_t stride) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const float *a0 = a[0], *a1 = a[1], *a2 = a[2], *a3 = a[3];
  const float *b0 = b[0], *b1 = b[1], *b2 = b[2], *b3 = b[3];
  const auto row = [&](const float* x, const float* y, std::size_t c) HWY_ATTR {
    const auto v = hn::LoadU(d, x + c);
    if constexpr (kRows == Rows::one) return v;
    const auto w = hn::LoadU(d, y + c);
    return kRows == Rows::sum ? hn::Add(v, w) : hn::Sub(v, w);
  };
  for (std::size_t i = 0; i < channels; i += lanes) {
    // The last vector begins so that it ends with the channels.
    const std::size_t c = std::min(i, channels - lanes);
    const auto t0 = row(a0, b0, c);
    const auto t1 = row(a1, b1, c);
    const auto t2 = row(a2, b2, c);
    const auto t3 = row(a3, b3, c);
    hn::StoreU(hn::Sub(t0, t2), d, to + c);
    hn::StoreU(hn::Add(t1, t2), d, to + c + stride);
    hn::StoreU(hn::Sub(t2, t1), d, to + c + 2 * stride);
    hn::StoreU(hn::Sub(t1, t3), d, to + c + 3 * stride);
  }
}

void transform_inputs(const WinogradForm& form, const WinogradInputs& inputs, float* to,
                      std::size_t stride) {
  const float* const* w = inputs.windows;
  const std::size_t channels = inputs.channels;
  for (std::size_t i = 0; i < inputs.tiles * inputs.pieces; ++i) {
    if (form.along_both()) {
      transform_row<Rows::difference>(w, w + 8, channels, to, stride);
      transform_row<Rows::sum>(w + 4, w + 8, channels, to + 4 * stride, stride);
      transform_row<Rows::difference>(w + 8, w + 4, channels, to + 8 * stride, stride);
      transform_row<Rows::difference>(w + 4, w + 12, channels, to + 12 * stride, stride);
    } else {
      transform_row<Rows::one>(w, w, channels, to, stride);
    }
    to += channels;
    w += form.products();
  }
}

/// The results of four products along an axis, `step` apart; adds to `odd` what is no longer zero
/// once a result is not finite.
template <std::size_t kTaps>
HWY_INLINE void results_along(FloatVec m0, FloatVec m1, FloatVec m2, FloatVec m3, float* to,
                              std::size_t step, FloatVec& odd) {
  const FloatTag d;
  const auto put = [&](std::size_t i, FloatVec y) HWY_ATTR {
    hn::StoreU(y, d, to + i * step);
    odd = hn::MulAdd(y, hn::Zero(d), odd);
  };
  const auto sum = hn::Add(m1, m2);
  const auto difference = hn::Sub(m1, m2);
  put(0, hn::Add(m0, sum));
  if constexpr (kTaps == 2) put(1, difference);
  put(4 - kTaps, hn::Sub(kTaps == 2 ? sum : difference, m3));
}

bool transform_results(const WinogradForm& form, std::size_t tiles, const float* products,
                       std::size_t stride, float* to, std::size_t row) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t width = 2 * lanes;
  const std::size_t step = form.along_positions ? width : row;
  auto odd = hn::Zero(d);
  for (std::size_t t = 0; t < tiles; ++t) {
    for (std::size_t lane = 0; lane < width; lane += lanes) {
      const auto m = [&](std::size_t product)
                         HWY_ATTR { return hn::LoadU(d, products + product * stride + lane); };
      if (!form.along_both()) {
        if (form.taps == 2) {
          results_along<2>(m(0), m(1), m(2), m(3), to + lane, step, odd);
        } else {
          results_along<3>(m(0), m(1), m(2), m(3), to + lane, step, odd);
        }
        continue;
      }
      // Down the rows, then along the positions.
      const auto upper = [&](std::size_t p)
                             HWY_ATTR { return hn::Add(m(p), hn::Add(m(4 + p), m(8 + p))); };
      const auto lower = [&](std::size_t p)
                             HWY_ATTR { return hn::Sub(hn::Sub(m(4 + p), m(8 + p)), m(12 + p)); };
      results_along<3>(upper(0), upper(1), upper(2), upper(3), to + lane, step, odd);
      results_along<3>(lower(0), lower(1), lower(2), lower(3), to + lane + row, step, odd);
    }
    products += width;
    to += form.result_positions() * width;
  }
  return hn::AllTrue(d, hn::Eq(odd, hn::Zero(d)));
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::nn::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::nn::cpu {

HWY_EXPORT(transform_inputs);
HWY_EXPORT(transform_results);

void winograd_inputs(const WinogradForm& form, const WinogradInputs& inputs, float* to,
                     std::size_t stride) {
  HWY_DYNAMIC_DISPATCH(transform_inputs)(form, inputs, to, stride);
}
bool winograd_results(const WinogradForm& form, std::size_t tiles, const float* products,
                      std::size_t stride, float* to, std::size_t row) {
  return HWY_DYNAMIC_DISPATCH(transform_results)(form, tiles, products, stride, to, row);
}

}  // namespace metalaudio::nn::cpu
#endif
