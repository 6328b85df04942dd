#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/nn/cpu/reduce_kernel.cpp"
#include <hwy/foreach_target.h>
// clang-format off: the macro above must come first
#include <hwy/highway.h>
#include <metalaudio/nn/cpu/math-inl.h>
// clang-format on

#include <metalaudio/nn/cpu/reduce_kernel.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {

/// Two vectors of running results over one run of at most 1024 values, then the rest one by one.
template <class Take>
HWY_INLINE double gather_run(const float* x, std::size_t size, FloatVec start, Take&& take) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  FloatVec a = start;
  FloatVec b = start;
  std::size_t i = 0;
  for (; i + 2 * lanes <= size; i += 2 * lanes) {
    a = take(a, hn::LoadU(d, x + i));
    b = take(b, hn::LoadU(d, x + i + lanes));
  }
  for (; i < size; ++i) b = take(b, hn::InsertLane(start, 0, x[i]));
  HWY_ALIGN float parts[2 * hn::MaxLanes(FloatTag())];
  hn::StoreU(a, d, parts);
  hn::StoreU(b, d, parts + lanes);
  double total = parts[0];
  for (std::size_t k = 1; k < 2 * lanes; ++k) total = take(total, static_cast<double>(parts[k]));
  return total;
}

struct TakeSum {
  FloatVec operator()(FloatVec sum, FloatVec x) const { return hn::Add(sum, x); }
  double operator()(double sum, double x) const { return sum + x; }
};
struct TakeMagnitude {
  FloatVec operator()(FloatVec sum, FloatVec x) const { return hn::Add(sum, hn::Abs(x)); }
  double operator()(double sum, double x) const { return sum + x; }
};
struct TakeSquare {
  FloatVec operator()(FloatVec sum, FloatVec x) const { return hn::MulAdd(x, x, sum); }
  double operator()(double sum, double x) const { return sum + x; }
};
struct TakeMaximum {
  FloatVec operator()(FloatVec best, FloatVec x) const {
    return hn::IfThenElse(hn::Or(hn::Gt(x, best), hn::IsNaN(x)), x, best);
  }
  double operator()(double best, double x) const { return x > best || x != x ? x : best; }
};
struct TakeMinimum {
  FloatVec operator()(FloatVec best, FloatVec x) const {
    return hn::IfThenElse(hn::Or(hn::Lt(x, best), hn::IsNaN(x)), x, best);
  }
  double operator()(double best, double x) const { return x < best || x != x ? x : best; }
};

template <class Take>
double over_runs(const float* x, std::size_t size, bool from_first, Take take) {
  const FloatTag d;
  const FloatVec start = from_first ? hn::Set(d, x[0]) : hn::Zero(d);
  constexpr std::size_t kRun = 1024;
  double total = from_first ? static_cast<double>(x[0]) : 0.0;
  for (std::size_t i = 0; i < size; i += kRun) {
    total = take(total, gather_run(x + i, std::min(kRun, size - i), start, take));
  }
  return total;
}

double reduce_run_impl(ReduceFunction function, const float* x, std::size_t size) {
  switch (function) {
    case ReduceFunction::maximum:
      return over_runs(x, size, true, TakeMaximum());
    case ReduceFunction::minimum:
      return over_runs(x, size, true, TakeMinimum());
    case ReduceFunction::l1:
      return over_runs(x, size, false, TakeMagnitude());
    case ReduceFunction::sum_square:
      return over_runs(x, size, false, TakeSquare());
    default:
      return over_runs(x, size, false, TakeSum());
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::nn::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::nn::cpu {

HWY_EXPORT(reduce_run_impl);

bool has_vector_form(ReduceFunction function) noexcept {
  using F = ReduceFunction;
  for (const F f : {F::sum, F::mean, F::maximum, F::minimum, F::l1, F::sum_square}) {
    if (f == function) return true;
  }
  return false;
}

double reduce_run(ReduceFunction function, const float* x, std::size_t size) {
  return HWY_DYNAMIC_DISPATCH(reduce_run_impl)(function, x, size);
}

}  // namespace metalaudio::nn::cpu
#endif
