#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/nn/cpu/depthwise_kernel.cpp"
#include <hwy/foreach_target.h>
// clang-format off: the macro above must come first
#include <hwy/highway.h>
#include <metalaudio/nn/cpu/math-inl.h>
// clang-format on

#include <metalaudio/nn/cpu/depthwise_kernel.h>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {

std::size_t depthwise_lanes_impl() { return hn::Lanes(FloatTag()); }

void depthwise_impl(std::span<const GemmTap> taps, std::size_t rows, std::size_t channels,
                    const float* weights, std::size_t padded, const float* bias, float* out) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t row = 0; row < rows; ++row, out += channels) {
    const auto r = static_cast<std::ptrdiff_t>(row);
    const auto each_tap = [&](auto&& body) {
      for (const GemmTap& tap : taps) {
        if (r < tap.first || r >= tap.last) continue;
        body(tap.base + r * tap.row_stride, weights + tap.weight_row * padded);
      }
    };
    std::size_t c = 0;
    for (; c + 4 * lanes <= channels; c += 4 * lanes) {
      auto s0 = hn::Load(d, bias + c);
      auto s1 = hn::Load(d, bias + c + lanes);
      auto s2 = hn::Load(d, bias + c + 2 * lanes);
      auto s3 = hn::Load(d, bias + c + 3 * lanes);
      each_tap([&](const float* x, const float* w) {
        s0 = hn::MulAdd(hn::LoadU(d, x + c), hn::Load(d, w + c), s0);
        s1 = hn::MulAdd(hn::LoadU(d, x + c + lanes), hn::Load(d, w + c + lanes), s1);
        s2 = hn::MulAdd(hn::LoadU(d, x + c + 2 * lanes), hn::Load(d, w + c + 2 * lanes), s2);
        s3 = hn::MulAdd(hn::LoadU(d, x + c + 3 * lanes), hn::Load(d, w + c + 3 * lanes), s3);
      });
      hn::StoreU(s0, d, out + c);
      hn::StoreU(s1, d, out + c + lanes);
      hn::StoreU(s2, d, out + c + 2 * lanes);
      hn::StoreU(s3, d, out + c + 3 * lanes);
    }
    for (; c + lanes <= channels; c += lanes) {
      auto sum = hn::Load(d, bias + c);
      each_tap([&](const float* x, const float* w) {
        sum = hn::MulAdd(hn::LoadU(d, x + c), hn::Load(d, w + c), sum);
      });
      hn::StoreU(sum, d, out + c);
    }
    if (c == channels) continue;
    auto sum = hn::Load(d, bias + c);
    each_tap([&](const float* x, const float* w) {
      sum = hn::MulAdd(load_first(d, x + c, channels - c), hn::Load(d, w + c), sum);
    });
    store_first(d, sum, out + c, channels - c);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::nn::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::nn::cpu {

HWY_EXPORT(depthwise_impl);
HWY_EXPORT(depthwise_lanes_impl);

void depthwise(std::span<const GemmTap> taps, std::size_t rows, std::size_t channels,
               const float* weights, std::size_t padded, const float* bias, float* out) {
  HWY_DYNAMIC_DISPATCH(depthwise_impl)(taps, rows, channels, weights, padded, bias, out);
}

std::size_t depthwise_lanes() { return HWY_DYNAMIC_DISPATCH(depthwise_lanes_impl)(); }

}  // namespace metalaudio::nn::cpu
#endif
