#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/nn/cpu/gemm/gemm_half_kernels.cpp"
#include <hwy/foreach_target.h>
// clang-format off: the macro above must come first
#include <hwy/highway.h>
#include <metalaudio/nn/cpu/math-inl.h>
// clang-format on

#include <metalaudio/core/half.h>
#include <metalaudio/nn/cpu/gemm/gemm_half_kernels.h>

#include <bit>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {

template <typename Half, typename Scalar>
HWY_INLINE void convert(const std::uint16_t* HWY_RESTRICT from, std::size_t count,
                        float* HWY_RESTRICT to) {
  const FloatTag d;
  const hn::Rebind<Half, FloatTag> half;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto bits = hn::LoadU(hn::RebindToUnsigned<decltype(half)>(), from + i);
    hn::StoreU(hn::PromoteTo(d, hn::BitCast(half, bits)), d, to + i);
  }
  for (; i < count; ++i) to[i] = static_cast<float>(std::bit_cast<Scalar>(from[i]));
}

void convert_halves(const std::uint16_t* from, std::size_t count, bool f16, float* to) {
  if (f16) {
    convert<hwy::float16_t, Float16>(from, count, to);
  } else {
    convert<hwy::bfloat16_t, BFloat16>(from, count, to);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::nn::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::nn::cpu {

HWY_EXPORT(convert_halves);

void floats_of_halves(const std::uint16_t* from, std::size_t count, bool f16, float* to) {
  HWY_DYNAMIC_DISPATCH(convert_halves)(from, count, f16, to);
}

}  // namespace metalaudio::nn::cpu
#endif
