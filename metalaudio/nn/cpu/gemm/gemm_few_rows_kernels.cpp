#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/nn/cpu/gemm/gemm_few_rows_kernels.cpp"
#include <hwy/foreach_target.h>
// clang-format off: the macro above must come first
#include <hwy/highway.h>
#include <metalaudio/nn/cpu/math-inl.h>
// clang-format on

#include <metalaudio/nn/cpu/gemm/gemm_few_rows_kernels.h>
#include <metalaudio/nn/cpu/gemm/gemm_kernels.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {

/// Where a row of a block starts in one tap.
HWY_INLINE const float* row_of(const FewRows& block, const GemmTap& tap, std::size_t row) {
  const auto r = static_cast<std::ptrdiff_t>(row);
  return r >= tap.first && r < tap.last ? tap.base + r * tap.row_stride : block.zeros;
}

/// Stores up to `columns` values of one vector with the residual added.
HWY_INLINE void store(FloatVec v, float* out, const float* residual, std::size_t columns) {
  const FloatTag d;
  if (columns >= hn::Lanes(d)) {
    hn::StoreU(residual != nullptr ? hn::Add(v, hn::LoadU(d, residual)) : v, d, out);
  } else if (columns > 0) {
    if (residual != nullptr) v = hn::Add(v, load_first(d, residual, columns));
    store_first(d, v, out, columns);
  }
}

/// kRows rows by kPanels panels of kVectors vectors, whose sums all stay in registers. Beyond `end`
/// the last row is repeated, computed and dropped.
template <std::size_t kRows, std::size_t kPanels, std::size_t kVectors>
HWY_NOINLINE void multiply_rows(const FewRows& block, std::size_t row, std::size_t end,
                                std::size_t panel) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const GemmOutput& output = *block.output;
  constexpr std::size_t kWide = kPanels * kVectors;
  FloatVec sums[kRows * kWide];
  FloatVec totals[kRows * kWide];
  bool restarted = false;
  std::size_t left = kGemmChain;
  for (std::size_t v = 0; v < kWide; ++v) {
    const auto bias = hn::LoadU(d, block.bias + (panel * kVectors + v) * lanes);
    HWY_UNROLL(4)
    for (std::size_t r = 0; r < kRows; ++r) sums[r * kWide + v] = bias;
  }
  for (const GemmTap& tap : block.taps) {
    const float* a[kRows];
    HWY_UNROLL(4)
    for (std::size_t r = 0; r < kRows; ++r) {
      a[r] = row_of(block, tap, std::min(row + r, end - 1));
    }
    const float* b = block.panels + panel * block.panel_stride + tap.weight_row * kVectors * lanes;
    for (std::size_t first = 0; first < block.depth;) {
      if (left == 0) {
        HWY_UNROLL(8)
        for (std::size_t i = 0; i < kRows * kWide; ++i) {
          totals[i] = restarted ? hn::Add(sums[i], totals[i]) : sums[i];
          sums[i] = hn::Zero(d);
        }
        restarted = true;
        left = kGemmChain;
      }
      const std::size_t end_of_chain = first + std::min(left, block.depth - first);
      left -= end_of_chain - first;
      for (std::size_t k = first; k < end_of_chain; ++k, b += kVectors * lanes) {
        HWY_UNROLL(8)
        for (std::size_t v = 0; v < kWide; ++v) {
          const auto w = hn::LoadU(d, b + v / kVectors * block.panel_stride + v % kVectors * lanes);
          HWY_UNROLL(4)
          for (std::size_t r = 0; r < kRows; ++r) {
            sums[r * kWide + v] = hn::MulAdd(hn::Set(d, a[r][k]), w, sums[r * kWide + v]);
          }
        }
      }
      first = end_of_chain;
    }
  }
  if (restarted) {
    HWY_UNROLL(8)
    for (std::size_t i = 0; i < kRows * kWide; ++i) sums[i] = hn::Add(sums[i], totals[i]);
  }
  const bool glu = output.activation == Activation::glu;
  const std::size_t step = glu ? lanes : kVectors * lanes;  // columns of a panel's result
  for (std::size_t r = 0; r < kRows && row + r < end; ++r) {
    const auto index = static_cast<std::ptrdiff_t>(row + r);
    float* out = output.base + index * output.row_stride;
    const float* residual =
        output.residual != nullptr ? output.residual + index * output.residual_row_stride : nullptr;
    for (std::size_t v = 0; v < kWide; v += glu ? kVectors : 1) {
      const std::size_t column = (panel + v / kVectors) * step + v % kVectors * lanes;
      if (column >= block.columns) continue;
      const auto sum = sums[r * kWide + v];
      const auto value = glu ? hn::Mul(sum, sigmoid(d, sums[r * kWide + v + kVectors - 1]))
                             : activate(d, sum, output.activation);
      store(value, out + column, residual != nullptr ? residual + column : nullptr,
            block.columns - column);
    }
  }
}

template <std::size_t kRows, std::size_t kPanels>
void multiply_all_panels(const FewRows& block, std::size_t row, std::size_t end) {
  if (block.narrow) return multiply_rows<kRows, 1, 1>(block, row, end, 0);
  std::size_t panel = 0;
  for (; panel + kPanels <= block.panel_count; panel += kPanels) {
    multiply_rows<kRows, kPanels, 2>(block, row, end, panel);
  }
  for (; panel < block.panel_count; ++panel) multiply_rows<kRows, 1, 2>(block, row, end, panel);
}

void multiply_block_of_few(const FewRows& block) {
  const std::size_t end = block.first_row + block.rows;
  for (std::size_t row = block.first_row; row < end; row += 4) {
    const std::size_t rows = end - row;
    if (rows == 1 && !block.as_tile) {
      multiply_all_panels<1, 4>(block, row, end);
    } else if (rows == 2 && !block.as_tile) {
      multiply_all_panels<2, 2>(block, row, end);
    } else {
      multiply_all_panels<4, 1>(block, row, end);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::nn::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::nn::cpu {

HWY_EXPORT(multiply_block_of_few);

void multiply_few_rows(const FewRows& block) { HWY_DYNAMIC_DISPATCH(multiply_block_of_few)(block); }

}  // namespace metalaudio::nn::cpu
#endif
