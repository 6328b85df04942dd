#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/nn/cpu/row_kernels.cpp"
#include <hwy/foreach_target.h>
// clang-format off: the macro above must come first
#include <hwy/highway.h>
#include <metalaudio/nn/cpu/math-inl.h>
// clang-format on

#include <metalaudio/nn/cpu/row_kernels.h>

#include <algorithm>
#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {

/// Calls body(column, load, store) over a row's columns, a vector at a time, the tail masked.
template <class Body>
HWY_INLINE void for_columns(std::size_t columns, Body&& body) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t c = 0;
  const auto load = [d](const float* p) { return hn::LoadU(d, p); };
  const auto store = [d](FloatVec v, float* p) { hn::StoreU(v, d, p); };
  for (; c + lanes <= columns; c += lanes) body(c, load, store);
  if (c == columns) return;
  const std::size_t rest = columns - c;
  body(
      c, [d, rest](const float* p) { return load_first(d, p, rest); },
      [d, rest](FloatVec v, float* p) { store_first(d, v, p, rest); });
}

/// One contiguous run is summed in float lanes over at most kRun values, in double beyond.
constexpr std::size_t kRun = 1024;

HWY_INLINE double sum_run(const float* x, std::size_t size) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  auto a = hn::Zero(d);
  auto b = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 2 * lanes <= size; i += 2 * lanes) {
    a = hn::Add(a, hn::LoadU(d, x + i));
    b = hn::Add(b, hn::LoadU(d, x + i + lanes));
  }
  double sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(a, b)));
  for (; i < size; ++i) sum += x[i];
  return sum;
}

/// Of the deviations from a value.
struct Deviations {
  double sum = 0;
  double squares = 0;

  Deviations& operator+=(const Deviations& other) {
    sum += other.sum;
    squares += other.squares;
    return *this;
  }
};

HWY_INLINE Deviations deviations_run(const float* x, std::size_t size, float from) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const auto m = hn::Set(d, from);
  auto a = hn::Zero(d);
  auto b = hn::Zero(d);
  auto sums = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 2 * lanes <= size; i += 2 * lanes) {
    const auto u = hn::Sub(hn::LoadU(d, x + i), m);
    const auto v = hn::Sub(hn::LoadU(d, x + i + lanes), m);
    sums = hn::Add(sums, hn::Add(u, v));
    a = hn::MulAdd(u, u, a);
    b = hn::MulAdd(v, v, b);
  }
  Deviations result{hn::GetLane(hn::SumOfLanes(d, sums)),
                    hn::GetLane(hn::SumOfLanes(d, hn::Add(a, b)))};
  for (; i < size; ++i) {
    const double deviation = x[i] - from;
    result += {deviation, deviation * deviation};
  }
  return result;
}

/// The same in double, for values whose squares leave the range of float.
HWY_INLINE Deviations deviations_run_wide(const float* x, std::size_t size, double from) {
  Deviations result;
  for (std::size_t i = 0; i < size; ++i) {
    const double deviation = x[i] - from;
    result += {deviation, deviation * deviation};
  }
  return result;
}

template <class Total, class Run>
HWY_INLINE Total over_runs(Rows x, std::size_t rows, std::size_t columns, Run&& run) {
  Total total{};
  if (x.stride == static_cast<std::ptrdiff_t>(columns)) {
    columns *= rows;
    rows = 1;
  }
  for (std::size_t r = 0; r < rows; ++r) {
    const float* row = x.base + static_cast<std::ptrdiff_t>(r) * x.stride;
    for (std::size_t c = 0; c < columns; c += kRun)
      total += run(row + c, std::min(kRun, columns - c));
  }
  return total;
}

/// Two passes, the second corrected by the sum of its deviations (Chan, Golub, LeVeque 1983), which
/// takes the rounding of the first mean out of both results.
void moments_impl(Rows x, std::size_t rows, std::size_t columns, Moments* out) {
  out->count = static_cast<double>(rows) * static_cast<double>(columns);
  if (out->count == 0) return;
  const auto sum = over_runs<double>(x, rows, columns, sum_run);
  double from = static_cast<float>(sum / out->count);
  auto deviations = over_runs<Deviations>(x, rows, columns, [from](const float* p, std::size_t n) {
    return deviations_run(p, n, static_cast<float>(from));
  });
  if (!std::isfinite(deviations.squares)) {
    const auto wide = [&](double value) {
      return over_runs<Deviations>(x, rows, columns, [value](const float* p, std::size_t n) {
        return deviations_run_wide(p, n, value);
      });
    };
    from = wide(0).sum / out->count;
    deviations = wide(from);
  }
  out->mean = from + deviations.sum / out->count;
  out->squares = std::max(0.0, deviations.squares - deviations.sum * deviations.sum / out->count);
}

void affine_impl(Rows x, std::size_t rows, std::size_t columns, const float* scale,
                 const float* shift, Activation activation, float* out, std::ptrdiff_t out_stride) {
  const FloatTag d;
  for (std::size_t r = 0; r < rows; ++r) {
    const float* from = x.base + static_cast<std::ptrdiff_t>(r) * x.stride;
    float* to = out + static_cast<std::ptrdiff_t>(r) * out_stride;
    for_columns(columns, [&](std::size_t c, auto load, auto store) {
      const auto y = hn::MulAdd(load(from + c), load(scale + c), load(shift + c));
      store(activate(d, y, activation), to + c);
    });
  }
}

void affine_glu_impl(Rows x, std::size_t rows, std::size_t columns, const float* scale,
                     const float* shift, const float* gain, Rows residual, float* out,
                     std::ptrdiff_t out_stride) {
  const FloatTag d;
  for (std::size_t r = 0; r < rows; ++r) {
    const auto row = static_cast<std::ptrdiff_t>(r);
    const float* low = x.base + row * x.stride;
    const float* high = low + columns;
    const float* add = residual.base != nullptr ? residual.base + row * residual.stride : nullptr;
    float* to = out + row * out_stride;
    for_columns(columns, [&](std::size_t c, auto load, auto store) {
      const auto a = hn::MulAdd(load(low + c), load(scale + c), load(shift + c));
      const auto b =
          hn::MulAdd(load(high + c), load(scale + columns + c), load(shift + columns + c));
      auto y = hn::Mul(a, sigmoid(d, b));
      if (gain != nullptr) y = hn::Mul(y, load(gain + c));
      if (add != nullptr) y = hn::Add(y, load(add + c));
      store(y, to + c);
    });
  }
}

void layer_norm_impl(Rows x, std::size_t rows, std::size_t columns, const float* gamma,
                     const float* beta, float epsilon, float* out, std::ptrdiff_t out_stride) {
  const FloatTag d;
  for (std::size_t r = 0; r < rows; ++r) {
    const float* from = x.base + static_cast<std::ptrdiff_t>(r) * x.stride;
    float* to = out + static_cast<std::ptrdiff_t>(r) * out_stride;
    Moments row;
    moments_impl({from, static_cast<std::ptrdiff_t>(columns)}, 1, columns, &row);
    const auto m = hn::Set(d, static_cast<float>(row.mean));
    const auto inverse = hn::Set(d, static_cast<float>(row.inverse_deviation(epsilon)));
    for_columns(columns, [&](std::size_t c, auto load, auto store) {
      const auto unit = hn::Mul(hn::Sub(load(from + c), m), inverse);
      store(hn::MulAdd(unit, load(gamma + c), load(beta + c)), to + c);
    });
  }
}

void softmax_impl(float* x, std::ptrdiff_t stride, std::size_t rows, std::size_t columns,
                  float scale) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const auto s = hn::Set(d, scale);
  if (columns == 0) return;
  for (std::size_t r = 0; r < rows; ++r) {
    float* row = x + static_cast<std::ptrdiff_t>(r) * stride;
    // Of the scores as they come: a difference is scaled, so that the top's own is zero exactly.
    auto tops = hn::Set(d, row[0]);
    std::size_t c = 0;
    for (; c + lanes <= columns; c += lanes) tops = hn::Max(tops, hn::LoadU(d, row + c));
    float top = hn::GetLane(hn::MaxOfLanes(d, tops));
    for (; c < columns; ++c) top = std::max(top, row[c]);
    const auto m = hn::Set(d, top);
    auto sums = hn::Zero(d);
    for (c = 0; c + lanes <= columns; c += lanes) {
      const auto e = exp(d, hn::Mul(s, hn::Sub(hn::LoadU(d, row + c), m)));
      sums = hn::Add(sums, e);
      hn::StoreU(e, d, row + c);
    }
    float sum = hn::GetLane(hn::SumOfLanes(d, sums));
    for (; c < columns; ++c) sum += row[c] = std::exp(scale * (row[c] - top));
    const auto inverse = hn::Set(d, 1.0F / sum);
    for_columns(columns, [&](std::size_t i, auto load, auto store) {
      store(hn::Mul(load(row + i), inverse), row + i);
    });
  }
}

void activate_impl(const float* x, std::size_t size, Activation activation, float* out) {
  const FloatTag d;
  for_columns(size, [&](std::size_t i, auto load, auto store) {
    store(activate(d, load(x + i), activation), out + i);
  });
}

void add_impl(const float* a, const float* b, std::size_t size, float* out) {
  for_columns(size, [&](std::size_t i, auto load, auto store) {
    store(hn::Add(load(a + i), load(b + i)), out + i);
  });
}

void add_rows_impl(Rows x, std::size_t rows, std::size_t columns, const float* residual,
                   float* out) {
  const float* from = x.base;
  for (std::size_t r = 0; r < rows; ++r, from += x.stride, out += columns) {
    if (residual == nullptr) {
      for_columns(columns,
                  [&](std::size_t c, auto load, auto store) { store(load(from + c), out + c); });
      continue;
    }
    for_columns(columns, [&](std::size_t c, auto load, auto store) {
      store(hn::Add(load(from + c), load(residual + c)), out + c);
    });
    residual += columns;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::nn::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::nn::cpu {

HWY_EXPORT(moments_impl);
HWY_EXPORT(affine_impl);
HWY_EXPORT(affine_glu_impl);
HWY_EXPORT(layer_norm_impl);
HWY_EXPORT(softmax_impl);
HWY_EXPORT(activate_impl);
HWY_EXPORT(add_impl);
HWY_EXPORT(add_rows_impl);

Moments moments(Rows x, std::size_t rows, std::size_t columns) {
  Moments result;
  HWY_DYNAMIC_DISPATCH(moments_impl)(x, rows, columns, &result);
  return result;
}

void affine(Rows x, std::size_t rows, std::size_t columns, const float* scale, const float* shift,
            Activation activation, float* out, std::ptrdiff_t out_stride) {
  HWY_DYNAMIC_DISPATCH(affine_impl)
  (x, rows, columns, scale, shift, activation, out, out_stride);
}

void affine_glu(Rows x, std::size_t rows, std::size_t columns, const float* scale,
                const float* shift, const float* gain, Rows residual, float* out,
                std::ptrdiff_t out_stride) {
  HWY_DYNAMIC_DISPATCH(affine_glu_impl)
  (x, rows, columns, scale, shift, gain, residual, out, out_stride);
}

void layer_norm(Rows x, std::size_t rows, std::size_t columns, const float* gamma,
                const float* beta, float epsilon, float* out, std::ptrdiff_t out_stride) {
  HWY_DYNAMIC_DISPATCH(layer_norm_impl)
  (x, rows, columns, gamma, beta, epsilon, out, out_stride);
}

void softmax(float* x, std::ptrdiff_t stride, std::size_t rows, std::size_t columns, float scale) {
  HWY_DYNAMIC_DISPATCH(softmax_impl)(x, stride, rows, columns, scale);
}

void activate(const float* x, std::size_t size, Activation activation, float* out) {
  HWY_DYNAMIC_DISPATCH(activate_impl)(x, size, activation, out);
}

void add(const float* a, const float* b, std::size_t size, float* out) {
  HWY_DYNAMIC_DISPATCH(add_impl)(a, b, size, out);
}

void add_rows(Rows x, std::size_t rows, std::size_t columns, const float* residual, float* out) {
  HWY_DYNAMIC_DISPATCH(add_rows_impl)(x, rows, columns, residual, out);
}

}  // namespace metalaudio::nn::cpu
#endif
