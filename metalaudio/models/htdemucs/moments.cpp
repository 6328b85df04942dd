#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/models/htdemucs/moments.cpp"
#include <hwy/foreach_target.h>
// clang-format off: the macro above must come first
#include <hwy/highway.h>
// clang-format on

#include <metalaudio/models/htdemucs/moments.h>

#include <algorithm>
#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::models {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Of distances of values to a pivot.
struct DistanceSums {
  double distances = 0;
  double squares = 0;
};
DistanceSums sums_of_distances(const float* values, std::size_t count, double pivot) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> half;
  const std::size_t lanes = hn::Lanes(d);
  const auto from = hn::Set(d, pivot);
  // Two of each, since an addition waits for the one before it.
  auto sum0 = hn::Zero(d);
  auto sum1 = hn::Zero(d);
  auto squares0 = hn::Zero(d);
  auto squares1 = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    const auto a = hn::Sub(hn::PromoteTo(d, hn::LoadU(half, values + i)), from);
    const auto b = hn::Sub(hn::PromoteTo(d, hn::LoadU(half, values + i + lanes)), from);
    sum0 = hn::Add(sum0, a);
    sum1 = hn::Add(sum1, b);
    squares0 = hn::MulAdd(a, a, squares0);
    squares1 = hn::MulAdd(b, b, squares1);
  }
  DistanceSums sums{hn::GetLane(hn::SumOfLanes(d, hn::Add(sum0, sum1))),
                    hn::GetLane(hn::SumOfLanes(d, hn::Add(squares0, squares1)))};
  for (; i < count; ++i) {
    const double distance = static_cast<double>(values[i]) - pivot;
    sums.distances += distance;
    sums.squares += distance * distance;
  }
  return sums;
}

Moments moments_of_impl(std::span<const float> values) {
  if (values.empty()) return {};
  const double pivot = values[0];
  const DistanceSums sums = sums_of_distances(values.data(), values.size(), pivot);
  const auto count = static_cast<double>(values.size());
  const double mean = sums.distances / count;
  return {count, pivot + mean, std::max(sums.squares - sums.distances * mean, 0.0)};
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::models
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::models {

HWY_EXPORT(moments_of_impl);

Moments moments_of(std::span<const float> values) noexcept {
  return HWY_DYNAMIC_DISPATCH(moments_of_impl)(values);
}

}  // namespace metalaudio::models
#endif
