#include <metalaudio/core/half.h>
#include <metalaudio/nn/cpu/gemm/avx512_bf16.h>
#include <metalaudio/nn/cpu/gemm/pair_epilogue.h>
#include <metalaudio/nn/cpu/gemm/pair_products.h>

#include <algorithm>
#include <cstring>

namespace metalaudio::nn::cpu {

#if defined(METALAUDIO_BF16)

namespace {

constexpr std::size_t kLanes = kPairTileColumns;

/// 1 / (1 + e^-x). Error: 2^-12 of it.
METALAUDIO_BF16 inline __m512 sigmoid(__m512 x) noexcept {
  // 2^y is a polynomial of what y is above the integer below, scaled by that integer.
  const __m512 y = _mm512_mul_ps(x, _mm512_set1_ps(-1.44269504F));
  const __m512 f = _mm512_maskz_reduce_ps(kAll, y, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  __m512 p = _mm512_set1_ps(0.0780246779F);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.226067305F));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.695833266F));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.999925256F));
  const __m512 e = _mm512_maskz_scalef_ps(kAll, p, y);
  return _mm512_maskz_rcp14_ps(kAll, _mm512_add_ps(e, _mm512_set1_ps(1.0F)));
}

/// x · Φ(x), Φ the normal distribution. Error: 2.1e-4, and below 1 also 1.2e-3 of it.
METALAUDIO_BF16 inline __m512 gelu(__m512 x) noexcept {
  // max(x, 0) - t P(t) with t = |x| up to 4, where the normal tail is as small as the error. In this
  // order minimum and maximum keep NaN.
  const __m512 t = _mm512_maskz_min_ps(kAll, _mm512_set1_ps(4.0F), _mm512_abs_ps(x));
  __m512 p = _mm512_set1_ps(-6.51455426e-4F);
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(0.0100529101F));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(-0.0583697148F));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(0.142469972F));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(-0.0469336808F));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(-0.387444258F));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(0.49944675F));
  return _mm512_fnmadd_ps(t, p, _mm512_maskz_max_ps(kAll, _mm512_setzero_ps(), x));
}

METALAUDIO_BF16 inline __mmask16 first_lanes(std::size_t count) noexcept {
  return static_cast<__mmask16>(count >= kLanes ? 0xFFFFU : (1U << count) - 1U);
}

METALAUDIO_BF16 inline __m512 load(Numbers from, __mmask16 mask) noexcept {
  if (!from.halves) return _mm512_maskz_loadu_ps(mask, from.at);
  const __m256i bits = _mm256_maskz_loadu_epi16(mask, from.at);
  return _mm512_castsi512_ps(
      _mm512_maskz_slli_epi32(kAll, _mm512_maskz_cvtepu16_epi32(kAll, bits), 16));
}
METALAUDIO_BF16 inline void store(__m512 v, Numbers to, __mmask16 mask) noexcept {
  if (!to.halves) return _mm512_mask_storeu_ps(to.at, mask, v);
  const __m256bh rounded = _mm512_cvtneps_pbh(v);
  __m256i bits;
  std::memcpy(&bits, &rounded, sizeof bits);
  _mm256_mask_storeu_epi16(to.at, mask, bits);
}

/// A vector of results of every row, from the given place of a row on; with glu of the columns and
/// of their gates.
template <Activation kActivation, bool kScaled>
METALAUDIO_BF16 void finish_columns(const float* tile, const GemmTile& block, std::size_t column,
                                    std::ptrdiff_t place, __mmask16 mask,
                                    const PairOutput& output) noexcept {
  constexpr bool kGlu = kActivation == Activation::glu;
  const auto of_columns = [&](const float* factors, std::size_t first) METALAUDIO_BF16 {
    return _mm512_maskz_loadu_ps(mask, factors + first);
  };
  __m512 scale = _mm512_setzero_ps();
  __m512 shift = scale;
  __m512 gate_scale = scale;
  __m512 gate_shift = scale;
  if constexpr (kScaled) {
    scale = of_columns(output.scale, column);
    shift = of_columns(output.shift, column);
    if constexpr (kGlu) {
      gate_scale = of_columns(output.scale, block.columns + column);
      gate_shift = of_columns(output.shift, block.columns + column);
    }
  }
  Numbers to = output.base + place;
  Numbers from = output.residual + place;
  for (std::size_t r = 0; r < block.rows; ++r, tile += kPairPanelColumns) {
    __m512 v = _mm512_loadu_ps(tile);
    if constexpr (kScaled) v = _mm512_fmadd_ps(v, scale, shift);
    if constexpr (kActivation == Activation::gelu) v = gelu(v);
    if constexpr (kGlu) {
      __m512 gate = _mm512_loadu_ps(tile + kLanes);
      if constexpr (kScaled) gate = _mm512_fmadd_ps(gate, gate_scale, gate_shift);
      v = _mm512_mul_ps(v, sigmoid(gate));
    }
    if (from.present()) v = _mm512_add_ps(v, load(from, mask));
    store(v, to, mask);
    to = to + output.row_stride;
    from = from + output.residual_row_stride;
  }
}

template <Activation kActivation>
METALAUDIO_BF16 void finish(const GemmTile& tile, const PairOutput& output) noexcept {
  const auto function = output.scale != nullptr ? finish_columns<kActivation, true>
                                                : finish_columns<kActivation, false>;
  constexpr std::size_t kWidth = kActivation == Activation::glu ? kLanes : kPairPanelColumns;
  for (std::size_t first = 0; first < kWidth; first += kLanes) {
    const std::size_t column = tile.column + first;
    if (column >= tile.columns) return;
    const float* values = tile.values + first;
    const PairOutput::Groups& groups = output.groups;
    if (groups.size == 0) {
      function(values, tile, column, static_cast<std::ptrdiff_t>(column),
               first_lanes(tile.columns - column), output);
      continue;
    }
    const std::size_t group = column / groups.size;
    const std::size_t within = column % groups.size;
    if (group < groups.first || group >= groups.end || within >= groups.columns) continue;
    function(
        values, tile, column,
        static_cast<std::ptrdiff_t>(group) * groups.stride + static_cast<std::ptrdiff_t>(within),
        first_lanes(groups.columns - within), output);
  }
}

}  // namespace

void finish_pairs(const GemmTile& tile, const PairOutput& output) noexcept {
  switch (output.activation) {
    case Activation::none:
      return finish<Activation::none>(tile, output);
    case Activation::gelu:
      return finish<Activation::gelu>(tile, output);
    case Activation::glu:
      return finish<Activation::glu>(tile, output);
    default:
      break;
  }
  // The others as in float32.
  float activated[kPairRows * kPairPanelColumns];
  gemm_finish({tile.values, tile.rows, 0, std::min(kPairPanelColumns, tile.columns - tile.column)},
              {activated, kPairPanelColumns, output.activation});
  finish<Activation::none>({activated, tile.rows, tile.column, tile.columns}, output);
}

#else

void finish_pairs(const GemmTile&, const PairOutput&) noexcept {}

#endif

}  // namespace metalaudio::nn::cpu
