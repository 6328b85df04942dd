#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/nn/cpu/gram_kernel.cpp"
#include <hwy/foreach_target.h>
// clang-format off: the macro above must come first
#include <hwy/highway.h>
#include <metalaudio/nn/cpu/math-inl.h>
// clang-format on

#include <metalaudio/nn/cpu/gram_kernel.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {

constexpr std::size_t kTogether = 8;  // columns whose products with a vector stay in registers
constexpr std::size_t kPadding = 16;  // floats: whole vectors, and whole groups of columns

std::size_t padded_columns(std::size_t columns) {
  return (columns + kPadding - 1) / kPadding * kPadding;
}

void add_products_impl(const float* x, std::size_t rows, std::size_t columns, const float* pivot,
                       float* HWY_RESTRICT centred, double* sums, double* products) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t stride = padded_columns(columns);
  for (std::size_t r = 0; r < rows; ++r) {
    float* to = centred + r * stride;
    for (std::size_t c = 0; c < columns; ++c) to[c] = x[r * columns + c] - pivot[c];
    std::fill(to + columns, to + stride, 0.0F);
  }
  HWY_ALIGN float lane_values[HWY_MAX_BYTES / sizeof(float)];
  for (std::size_t v = 0; v < stride; v += lanes) {
    const std::size_t count = v < columns ? std::min(lanes, columns - v) : 0;
    if (count == 0) break;
    const auto add_to = [&](FloatVec sum, double* to) {
      hn::Store(sum, d, lane_values);
      for (std::size_t j = 0; j < count; ++j) to[j] += lane_values[j];
    };
    auto total = hn::Zero(d);
    for (std::size_t r = 0; r < rows; ++r) {
      total = hn::Add(total, hn::LoadU(d, centred + r * stride + v));
    }
    add_to(total, sums + v);
    for (std::size_t i = 0; i < columns; i += kTogether) {
      FloatVec with[kTogether];
      for (std::size_t k = 0; k < kTogether; ++k) with[k] = hn::Zero(d);
      for (std::size_t r = 0; r < rows; ++r) {
        const float* row = centred + r * stride;
        const auto y = hn::LoadU(d, row + v);
        HWY_UNROLL(8)
        for (std::size_t k = 0; k < kTogether; ++k) {
          with[k] = hn::MulAdd(hn::Set(d, row[i + k]), y, with[k]);
        }
      }
      const std::size_t last = std::min(kTogether, columns - i);
      for (std::size_t k = 0; k < last; ++k) add_to(with[k], products + (i + k) * columns + v);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::nn::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::nn::cpu {

HWY_EXPORT(padded_columns);
HWY_EXPORT(add_products_impl);

std::size_t centred_floats(std::size_t rows, std::size_t columns) {
  return rows * HWY_DYNAMIC_DISPATCH(padded_columns)(columns);
}

void add_products(const float* x, std::size_t rows, std::size_t columns, const float* pivot,
                  float* centred, double* sums, double* products) {
  HWY_DYNAMIC_DISPATCH(add_products_impl)(x, rows, columns, pivot, centred, sums, products);
}

}  // namespace metalaudio::nn::cpu
#endif
