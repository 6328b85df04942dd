#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/nn/cpu/transpose_kernel.cpp"
#include <hwy/foreach_target.h>
// clang-format off: the macro above must come first
#include <hwy/highway.h>
#include <metalaudio/nn/cpu/math-inl.h>
// clang-format on

#include <metalaudio/nn/cpu/transpose_kernel.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {

constexpr std::size_t kMostLanes = HWY_MAX_BYTES / sizeof(float);
constexpr std::size_t kBlock = 4;  // floats of 128 bits, within which vectors are interleaved

/// Four columns of rows[lanes]: block b of a vector comes from row 4 b + r, so that four such
/// vectors, transposed block by block, hold a column's rows in order.
template <bool kInside>
HWY_INLINE void four_columns(const float* const* rows, const std::size_t* steps, std::size_t column,
                             float* to, std::size_t to_stride) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> di;
  const hn::RepartitionToWide<FloatTag> wide;
  const std::size_t lanes = hn::Lanes(d);
  const auto block_of_lane = hn::ShiftRight<2>(hn::Iota(di, 0));
  FloatVec v[kBlock];
  HWY_UNROLL(4)
  for (std::size_t r = 0; r < kBlock; ++r) {
    const auto at = [&](std::size_t row) {
      return rows[row] + (kInside ? column : column * steps[row]);
    };
    v[r] = hn::LoadDup128(d, at(r));
    HWY_UNROLL(4)
    for (std::size_t b = 1; b < lanes / kBlock; ++b) {
      const auto here = hn::Eq(block_of_lane, hn::Set(di, static_cast<int>(b)));
      v[r] = hn::IfThenElse(hn::RebindMask(d, here), hn::LoadDup128(d, at(kBlock * b + r)), v[r]);
    }
  }
  const auto low01 = hn::BitCast(wide, hn::InterleaveLower(d, v[0], v[1]));
  const auto high01 = hn::BitCast(wide, hn::InterleaveUpper(d, v[0], v[1]));
  const auto low23 = hn::BitCast(wide, hn::InterleaveLower(d, v[2], v[3]));
  const auto high23 = hn::BitCast(wide, hn::InterleaveUpper(d, v[2], v[3]));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, low01, low23)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, low01, low23)), d, to + to_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, high01, high23)), d, to + 2 * to_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, high01, high23)), d, to + 3 * to_stride);
}

void transpose_impl(const RowWindow& x, std::size_t rows, std::size_t columns, float* to,
                    std::size_t to_stride) {
  const std::size_t lanes = hn::Lanes(FloatTag());
  HWY_ALIGN static constexpr float kZeros[kBlock] = {};
  const float* from[kMostLanes];
  std::size_t steps[kMostLanes];
  const std::size_t fours = columns / kBlock * kBlock;
  const std::ptrdiff_t last = std::min(x.last, static_cast<std::ptrdiff_t>(rows));
  for (std::size_t r0 = 0; r0 < whole_rows(rows); r0 += lanes, to += lanes) {
    bool inside = true;
    for (std::size_t i = 0; i < lanes; ++i) {
      const auto row = static_cast<std::ptrdiff_t>(r0 + i);
      steps[i] = row >= x.first && row < last ? 1 : 0;
      from[i] = steps[i] != 0 ? x.base + row * x.stride : kZeros;
      inside = inside && steps[i] != 0;
    }
    if (inside) {
      for (std::size_t c = 0; c < fours; c += kBlock) {
        four_columns<true>(from, steps, c, to + c * to_stride, to_stride);
      }
    } else {
      for (std::size_t c = 0; c < fours; c += kBlock) {
        four_columns<false>(from, steps, c, to + c * to_stride, to_stride);
      }
    }
    for (std::size_t c = fours; c < columns; ++c) {
      for (std::size_t i = 0; i < lanes; ++i) to[c * to_stride + i] = from[i][c * steps[i]];
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::nn::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::nn::cpu {

HWY_EXPORT(transpose_impl);

void transpose(const RowWindow& x, std::size_t rows, std::size_t columns, float* to,
               std::size_t to_stride) {
  HWY_DYNAMIC_DISPATCH(transpose_impl)(x, rows, columns, to, to_stride);
}

}  // namespace metalaudio::nn::cpu
#endif
