#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/nn/cpu/gemm/gemm_kernels.cpp"
#include <hwy/foreach_target.h>
// clang-format off: the macro above must come first
#include <hwy/cache_control.h>
#include <hwy/highway.h>
#include <metalaudio/nn/cpu/math-inl.h>
// clang-format on

#include <metalaudio/nn/cpu/gemm/gemm_fp32.h>
#include <metalaudio/nn/cpu/gemm/gemm_kernels.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {

// Rows per tile: 2·rows accumulators, two panel vectors and a broadcast fit the register file.
#if HWY_TARGET == HWY_AVX3
constexpr std::size_t kTileRows = 12;
#else
constexpr std::size_t kTileRows = 6;
#endif

std::size_t panel_width() { return 2 * hn::Lanes(FloatTag()); }
std::size_t tile_rows() { return kTileRows; }

/// The sums of a tile, two vectors or one a row.
template <std::size_t kVectors>
struct TileSums {
  static constexpr std::size_t kCount = kTileRows * kVectors;
  FloatVec of[kCount];

  /// One term, added to the sums, or to `from` to begin them: they need not be filled before.
  template <bool kFirst>
  HWY_INLINE void term(const float* const* rows, std::ptrdiff_t k, const float* HWY_RESTRICT b,
                       const FloatVec* from) {
    const FloatTag d;
    const std::size_t lanes = hn::Lanes(d);
    const auto low = hn::LoadU(d, b);
    const auto high = hn::LoadU(d, b + (kVectors - 1) * lanes);
    HWY_UNROLL(12)
    for (std::size_t r = 0; r < kTileRows; ++r) {
      const auto x = hn::Set(d, rows[r][k]);
      FloatVec* row = of + r * kVectors;
      row[0] = hn::MulAdd(x, low, kFirst ? from[0] : row[0]);
      if constexpr (kVectors == 2) row[1] = hn::MulAdd(x, high, kFirst ? from[1] : row[1]);
    }
  }
};

/// to[kTileRows][kVectors vectors] = bias + Σ_tap rows · panel, the rows of `to` `stride` floats
/// apart.
template <std::size_t kVectors>
HWY_INLINE void multiply_tile(const float* const* HWY_RESTRICT rows,
                              const std::size_t* HWY_RESTRICT weight_rows, std::size_t taps,
                              std::size_t depth, const float* HWY_RESTRICT panel,
                              const float* HWY_RESTRICT bias, float* HWY_RESTRICT to,
                              std::ptrdiff_t stride) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  TileSums<kVectors> sums;
  FloatVec from[kVectors];
  for (std::size_t v = 0; v < kVectors; ++v) from[v] = hn::LoadU(d, bias + v * lanes);
  HWY_ALIGN float totals[kTileRows * kVectors * HWY_MAX_BYTES / sizeof(float)];
  std::size_t left = 0;
  bool begun = false;
  bool restarted = false;
  for (std::size_t tap = 0; tap < taps; ++tap) {
    const float* a[kTileRows];
    HWY_UNROLL(12)
    for (std::size_t r = 0; r < kTileRows; ++r) a[r] = rows[tap * kTileRows + r];
    const float* HWY_RESTRICT b = panel + weight_rows[tap] * kVectors * lanes;
    for (std::size_t first = 0; first < depth;) {
      const bool start = left == 0;
      if (start) {
        if (begun) {
          HWY_UNROLL(24)
          for (std::size_t i = 0; i < sums.kCount; ++i) {
            if (restarted) sums.of[i] = hn::Add(sums.of[i], hn::Load(d, totals + i * lanes));
            hn::Store(sums.of[i], d, totals + i * lanes);
          }
          restarted = true;
          for (FloatVec& v : from) v = hn::Zero(d);
        }
        begun = true;
        left = kGemmChain;
      }
      const std::size_t end = first + std::min(left, depth - first);
      left -= end - first;
      // Up to zero, which leaves one more register for the rows.
      HWY_UNROLL(12)
      for (std::size_t r = 0; r < kTileRows; ++r) a[r] += end - first;
      auto k = -static_cast<std::ptrdiff_t>(end - first);
      if (start) {
        sums.template term<true>(a, k++, b, from);
        b += kVectors * lanes;
      }
      for (; k != 0; ++k) {
        sums.template term<false>(a, k, b, from);
        b += kVectors * lanes;
      }
      first = end;
    }
  }
  HWY_UNROLL(12)
  for (std::size_t r = 0; r < kTileRows; ++r) {
    float* row = to + static_cast<std::ptrdiff_t>(r) * stride;
    for (std::size_t v = 0; v < kVectors; ++v) {
      const std::size_t i = r * kVectors + v;
      auto sum = begun ? sums.of[i] : from[v];
      if (restarted) sum = hn::Add(sum, hn::Load(d, totals + i * lanes));
      hn::StoreU(sum, d, row + v * lanes);
    }
  }
}

/// Stores up to `columns` values of one vector after activation and residual.
HWY_INLINE void finish(FloatTag d, FloatVec v, float* out, const float* residual,
                       std::size_t columns) {
  if (columns >= hn::Lanes(d)) {
    hn::StoreU(residual != nullptr ? hn::Add(v, hn::LoadU(d, residual)) : v, d, out);
  } else if (columns > 0) {
    if (residual != nullptr) v = hn::Add(v, load_first(d, residual, columns));
    store_first(d, v, out, columns);
  }
}

/// Takes tile[rows][kVectors vectors] through glu or activation, and residual, to `columns` columns
/// of the output that `out` and `residual` point at.
template <std::size_t kVectors>
HWY_INLINE void finish_rows(const float* tile, std::size_t rows, std::size_t columns,
                            const GemmOutput& output, float* out, const float* residual) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t low_columns = std::min(columns, lanes);
  for (std::size_t r = 0; r < rows; ++r) {
    const auto low = hn::LoadU(d, tile);
    const auto high = hn::LoadU(d, tile + (kVectors - 1) * lanes);
    if (output.activation == Activation::glu) {
      finish(d, hn::Mul(low, sigmoid(d, high)), out, residual, columns);
    } else {
      finish(d, activate(d, low, output.activation), out, residual, low_columns);
      if (columns > lanes) {
        finish(d, activate(d, high, output.activation), out + lanes,
               residual != nullptr ? residual + lanes : nullptr, columns - lanes);
      }
    }
    tile += kVectors * lanes;
    out += output.row_stride;
    if (residual != nullptr) residual += output.residual_row_stride;
  }
}

void finish_tile(const GemmTile& tile, const GemmOutput& output) {
  const std::size_t lanes = hn::Lanes(FloatTag());
  const std::size_t width = output.activation == Activation::glu ? lanes : 2 * lanes;
  finish_rows<2>(tile.values, tile.rows, std::min(width, tile.columns - tile.column), output,
                 output.base + tile.column,
                 output.residual != nullptr ? output.residual + tile.column : nullptr);
}

/// Asks for what lies apart in memory and is wanted once the tile has been computed.
HWY_INLINE void prefetch_rows(const float* from, std::ptrdiff_t stride, std::size_t rows,
                              std::size_t columns) {
  constexpr std::size_t kLine = 64 / sizeof(float);
  for (std::size_t r = 0; r < rows; ++r, from += stride) {
    for (std::size_t c = 0; c < columns; c += kLine) hwy::Prefetch(from + c);
  }
}

template <std::size_t kVectors>
HWY_INLINE void multiply_panels(const GemmBlock& block) {
  const std::size_t lanes = hn::Lanes(FloatTag());
  const std::size_t width = kVectors * lanes;
  HWY_ALIGN float tile[kTileRows * kVectors * HWY_MAX_BYTES / sizeof(float)];
  const GemmOutput& output = *block.output;
  const bool glu = output.activation == Activation::glu;
  const bool plain = output.activation == Activation::none && output.residual == nullptr;
  const std::size_t panel_columns = glu ? lanes : width;
  for (std::size_t p = 0; p < block.panel_count; ++p) {
    const float* panel = block.panels + p * block.panel_stride;
    const float* bias = block.bias + p * width;
    const std::size_t column = p * panel_columns;
    const std::size_t columns = std::min(panel_columns, block.columns - column);
    for (std::size_t r0 = 0; r0 < block.rows; r0 += kTileRows) {
      const std::size_t rows = std::min(kTileRows, block.rows - r0);
      const bool direct = plain && rows == kTileRows && columns == width;
      const auto row = static_cast<std::ptrdiff_t>(r0);
      float* out = output.base + row * output.row_stride + column;
      const float* residual = output.residual != nullptr
                                  ? output.residual + row * output.residual_row_stride + column
                                  : nullptr;
      prefetch_rows(out, output.row_stride, rows, columns);
      if (residual != nullptr && residual != out) {
        prefetch_rows(residual, output.residual_row_stride, rows, columns);
      }
      multiply_tile<kVectors>(block.table + r0 * block.taps, block.weight_rows, block.taps,
                              block.depth, panel, bias, direct ? out : tile,
                              direct ? output.row_stride : static_cast<std::ptrdiff_t>(width));
      if (!direct) finish_rows<kVectors>(tile, rows, columns, output, out, residual);
    }
  }
}

void multiply_block(const GemmBlock& block) {
  if (block.narrow) {
    multiply_panels<1>(block);
  } else {
    multiply_panels<2>(block);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::nn::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::nn::cpu {

HWY_EXPORT(panel_width);
HWY_EXPORT(tile_rows);
HWY_EXPORT(multiply_block);
HWY_EXPORT(finish_tile);

std::size_t gemm_panel_width() { return HWY_DYNAMIC_DISPATCH(panel_width)(); }
std::size_t gemm_tile_rows() { return HWY_DYNAMIC_DISPATCH(tile_rows)(); }
void gemm_multiply(const GemmBlock& block) { HWY_DYNAMIC_DISPATCH(multiply_block)(block); }
void gemm_finish(const GemmTile& tile, const GemmOutput& output) {
  HWY_DYNAMIC_DISPATCH(finish_tile)(tile, output);
}

}  // namespace metalaudio::nn::cpu
#endif
