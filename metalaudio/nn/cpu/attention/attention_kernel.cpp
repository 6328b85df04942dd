#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/nn/cpu/attention/attention_kernel.cpp"
#include <hwy/foreach_target.h>
// clang-format off: the macro above must come first
#include <hwy/highway.h>
#include <metalaudio/nn/cpu/math-inl.h>
// clang-format on

#include <metalaudio/nn/cpu/attention/attention_kernel.h>

#include <algorithm>
#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {

void exponentiate_impl(float* x, std::ptrdiff_t stride, std::size_t rows, std::size_t columns,
                       float scale, float* inverses) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  if (columns == 0) {
    std::fill_n(inverses, rows, 1.0F);
    return;
  }
  const auto s = hn::Set(d, scale * 1.44269504F);
  const auto last = hn::Set(d, -std::numeric_limits<float>::infinity());
  for (std::size_t r = 0; r < rows; ++r) {
    float* row = x + static_cast<std::ptrdiff_t>(r) * stride;
    auto a = last;
    auto b = last;
    std::size_t c = 0;
    for (; c + 2 * lanes <= columns; c += 2 * lanes) {
      a = hn::Max(a, hn::LoadU(d, row + c));
      b = hn::Max(b, hn::LoadU(d, row + c + lanes));
    }
    float top = hn::GetLane(hn::MaxOfLanes(d, hn::Max(a, b)));
    for (; c < columns; ++c) top = std::max(top, row[c]);
    // Of the scores as they come: a difference is scaled, so that the top's own is zero exactly.
    const auto m = hn::Set(d, top);
    const auto step = [&](FloatVec v) { return exp2_of_negative(d, hn::Mul(s, hn::Sub(v, m))); };
    a = b = hn::Zero(d);
    for (c = 0; c + 2 * lanes <= columns; c += 2 * lanes) {
      const auto e = step(hn::LoadU(d, row + c));
      const auto f = step(hn::LoadU(d, row + c + lanes));
      a = hn::Add(a, e);
      b = hn::Add(b, f);
      hn::StoreU(e, d, row + c);
      hn::StoreU(f, d, row + c + lanes);
    }
    for (; c + lanes <= columns; c += lanes) {
      const auto e = step(hn::LoadU(d, row + c));
      a = hn::Add(a, e);
      hn::StoreU(e, d, row + c);
    }
    float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(a, b)));
    for (; c < columns; ++c) sum += row[c] = std::exp(scale * (row[c] - top));
    inverses[r] = 1.0F / sum;
  }
}

void scale_rows_impl(float* x, std::ptrdiff_t stride, std::size_t rows, std::size_t columns,
                     const float* factors) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t r = 0; r < rows; ++r) {
    float* row = x + static_cast<std::ptrdiff_t>(r) * stride;
    const auto factor = hn::Set(d, factors[r]);
    std::size_t c = 0;
    for (; c + lanes <= columns; c += lanes) {
      hn::StoreU(hn::Mul(hn::LoadU(d, row + c), factor), d, row + c);
    }
    for (; c < columns; ++c) row[c] *= factors[r];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::nn::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::nn::cpu {

HWY_EXPORT(exponentiate_impl);
HWY_EXPORT(scale_rows_impl);

void exponentiate(float* x, std::ptrdiff_t stride, std::size_t rows, std::size_t columns,
                  float scale, float* inverses) {
  HWY_DYNAMIC_DISPATCH(exponentiate_impl)(x, stride, rows, columns, scale, inverses);
}

void scale_rows(float* x, std::ptrdiff_t stride, std::size_t rows, std::size_t columns,
                const float* factors) {
  HWY_DYNAMIC_DISPATCH(scale_rows_impl)(x, stride, rows, columns, factors);
}

}  // namespace metalaudio::nn::cpu
#endif
