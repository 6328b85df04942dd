#include <metalaudio/core/half.h>
#include <metalaudio/nn/cpu/gemm/avx512_bf16.h>
#include <metalaudio/nn/cpu/gemm/pair_conversion.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace metalaudio::nn::cpu {

#if defined(METALAUDIO_BF16)

namespace {

constexpr std::size_t kTileDepth = kPairTileDepth;

METALAUDIO_BF16 inline __m512 wide(__m256i halves) noexcept {
  return _mm512_castsi512_ps(
      _mm512_maskz_slli_epi32(kAll, _mm512_maskz_cvtepu16_epi32(kAll, halves), 16));
}

METALAUDIO_BF16 inline bool any_infinite(__m512 v) noexcept {
  constexpr int kInfinities = 0x18;
  return _mm512_fpclass_ps_mask(v, kInfinities) != 0;
}

/// What rounding leaves; nothing of what is not finite.
METALAUDIO_BF16 inline __m512 left_of(__m512 v, __m512 rounded) noexcept {
  const __m512 rest = _mm512_sub_ps(v, rounded);
  const __mmask16 finite = _mm512_cmp_ps_mask(
      _mm512_abs_ps(rest), _mm512_set1_ps(std::numeric_limits<float>::infinity()), _CMP_LT_OQ);
  return _mm512_maskz_mov_ps(finite, rest);
}

/// Calls store(part, 32 bfloat16) for the parts of two vectors: each is what those before it have
/// left, rounded to nearest even. Whether one is infinite, of several parts.
template <std::size_t kParts, typename Store>
METALAUDIO_BF16 inline bool split(__m512 low, __m512 high, Store&& store) noexcept {
  bool infinite = false;
  for (std::size_t part = 0; part < kParts; ++part) {
    const __m512bh rounded = _mm512_cvtne2ps_pbh(high, low);
    __m512i bits;
    std::memcpy(&bits, &rounded, sizeof bits);
    store(part, bits);
    if (part + 1 == kParts) break;
    const __m512 wide_low = wide(_mm512_maskz_extracti64x4_epi64(0xF, bits, 0));
    const __m512 wide_high = wide(_mm512_maskz_extracti64x4_epi64(0xF, bits, 1));
    if (part == 0) infinite = any_infinite(wide_low) || any_infinite(wide_high);
    low = left_of(low, wide_low);
    high = left_of(high, wide_high);
  }
  return infinite;
}

METALAUDIO_BF16 inline __mmask16 first_lanes(std::size_t count) noexcept {
  return static_cast<__mmask16>(count >= 16 ? 0xFFFFU : (1U << count) - 1U);
}

/// The parts of from[count], `stride` elements apart. Whether one is infinite, of several parts.
template <std::size_t kParts>
METALAUDIO_BF16 bool convert_parts(const float* from, std::size_t count, BFloat16* to,
                                   std::size_t stride) noexcept {
  bool infinite = false;
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    infinite |= split<kParts>(_mm512_loadu_ps(from + i), _mm512_loadu_ps(from + i + 16),
                              [&](std::size_t part, __m512i bits) METALAUDIO_BF16 {
                                _mm512_storeu_si512(to + part * stride + i, bits);
                              });
  }
  if (i < count) {
    const std::size_t rest = count - i;
    const __mmask16 low = first_lanes(rest);
    const __mmask16 high = first_lanes(rest - std::min<std::size_t>(rest, 16));
    const auto mask = static_cast<__mmask32>(low | static_cast<unsigned>(high) << 16U);
    infinite |= split<kParts>(
        _mm512_maskz_loadu_ps(low, from + i), _mm512_maskz_loadu_ps(high, from + i + 16),
        [&](std::size_t part, __m512i bits)
            METALAUDIO_BF16 { _mm512_mask_storeu_epi16(to + part * stride + i, mask, bits); });
  }
  return infinite;
}

}  // namespace

bool convert_to_parts(std::size_t parts, const float* from, std::size_t count, BFloat16* to,
                      std::size_t stride) noexcept {
  switch (parts) {
    case 1:
      return convert_parts<1>(from, count, to, stride);
    case 2:
      return convert_parts<2>(from, count, to, stride);
    default:
      return convert_parts<3>(from, count, to, stride);
  }
}

namespace {

/// Parts of a tile, from one to the next.
constexpr std::size_t kTilePart = 2 * kPairTileElements;

/// Columns that are contiguous, `stride` floats apart.
METALAUDIO_BF16 bool pack_columns(const float* from, std::ptrdiff_t stride, std::size_t columns,
                                  std::size_t depth, std::size_t parts, BFloat16* to) noexcept {
  const __m512i rows =
      _mm512_mullo_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                         _mm512_set1_epi32(16));
  bool infinite = false;
  for (std::size_t n = 0; n < columns; ++n) {
    alignas(64) BFloat16 lines[3 * kTileDepth] = {};
    infinite |= convert_to_parts(parts, from + static_cast<std::ptrdiff_t>(n) * stride, depth,
                                 lines, kTileDepth);
    for (std::size_t part = 0; part < parts; ++part) {
      const __m512i pairs = _mm512_load_si512(lines + part * kTileDepth);
      _mm512_i32scatter_epi32(reinterpret_cast<int*>(to + part * kTilePart) + n, rows, pairs, 4);
    }
  }
  return infinite;
}

/// The same where the columns are contiguous and the depths `stride` floats apart.
template <std::size_t kParts>
METALAUDIO_BF16 bool pack_rows(const float* from, std::ptrdiff_t stride, std::size_t columns,
                               std::size_t depth, BFloat16* to) noexcept {
  const __mmask16 mask = first_lanes(columns);
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  bool infinite = false;
  for (std::size_t k = 0; k < depth; k += 2) {
    const float* row = from + static_cast<std::ptrdiff_t>(k) * stride;
    const __m512 even = _mm512_maskz_loadu_ps(mask, row);
    const __m512 odd =
        k + 1 < depth ? _mm512_maskz_loadu_ps(mask, row + stride) : _mm512_setzero_ps();
    infinite |= split<kParts>(even, odd, [&](std::size_t part, __m512i bits) METALAUDIO_BF16 {
      _mm512_storeu_si512(to + part * kTilePart + k * kPairTileColumns,
                          _mm512_permutexvar_epi16(order, bits));
    });
  }
  return infinite;
}

}  // namespace

void PairRows::convert(std::span<const GemmTap> taps, std::size_t depth,
                       const MatrixSize& size) noexcept {
  const bool whole =
      std::ranges::all_of(taps, [](const GemmTap& t) { return t.weight_row % kTileDepth == 0; });
  if (!whole && (taps.size() != 1 || taps[0].weight_row != 0)) {
    return side_by_side(taps, depth, size.depth);
  }
  // Beyond the depth of one of several taps may lie the weights of the next.
  const bool ends = depth % kTileDepth == 0 || depth == size.depth || size.tap_depth != 0;
  for (std::size_t i = 0; i < taps.size();) {
    const GemmTap& tap = taps[i];
    const auto inside = tap.first <= 0 && tap.last >= static_cast<std::ptrdiff_t>(rows_);
    if (ends && inside && tap.row_stride > 0 &&
        tap.row_stride < static_cast<std::ptrdiff_t>(depth)) {
      overlapping(tap, depth);
      ++i;
    } else {
      i += shifted(taps.subspan(i), depth);
    }
  }
}

namespace {

bool all_finite(const BFloat16* x, std::size_t count) noexcept {
  constexpr unsigned kExponent = 0x7F80;
  bool finite = true;
  for (std::size_t i = 0; i < count; ++i) finite &= (x[i].bits & kExponent) != kExponent;
  return finite;
}

}  // namespace

void PairRows::put(const float* from, std::size_t count, BFloat16* to) noexcept {
  if (convert_to_parts(parts_, from, count, to, room_.part_size)) has_infinity_ = true;
}

void PairRows::clear(BFloat16* to, std::size_t count) const noexcept {
  for (std::size_t part = 0; part < parts_; ++part) {
    std::memset(static_cast<void*>(to + part * room_.part_size), 0, count * sizeof(BFloat16));
  }
}

void PairRows::put_row(const GemmTap& tap, std::ptrdiff_t row, std::size_t depth,
                       BFloat16* to) noexcept {
  if (row >= tap.first && row < tap.last) {
    put(tap.base + row * tap.row_stride, depth, to);
  } else {
    clear(to, depth);
  }
}

/// All taps of a row one after the other, zeros where one is missing.
void PairRows::side_by_side(std::span<const GemmTap> taps, std::size_t depth,
                            std::size_t matrix_depth) noexcept {
  const std::size_t stride = pair_row_of_depth(matrix_depth);
  const std::size_t blocks = round_up(matrix_depth, kTileDepth) / kTileDepth;
  if (taps.size() * depth != blocks * kTileDepth) clear(end_, rows_ * stride);
  for (const GemmTap& tap : taps) {
    for (std::size_t r = 0; r < rows_; ++r) {
      put_row(tap, static_cast<std::ptrdiff_t>(r), depth, end_ + r * stride + tap.weight_row);
    }
  }
  room_.operands[count_++] = {end_, stride, blocks, 0};
}

/// Rows that overlap in memory, as windows do. What the last block reads beyond a row's depth
/// meets zeros of the matrix, so it must be finite: otherwise rows lie apart.
void PairRows::overlapping(const GemmTap& tap, std::size_t depth) noexcept {
  const auto stride = static_cast<std::size_t>(tap.row_stride);
  const std::size_t size = (rows_ - 1) * stride + depth;
  put(tap.base, size, end_);
  if (depth % kTileDepth != 0 && !all_finite(end_, size)) {
    shifted({&tap, 1}, depth);
    return;
  }
  clear(end_ + size, kTileDepth);
  room_.operands[count_++] = {end_, stride, round_up(depth, kTileDepth) / kTileDepth,
                              tap.weight_row / kTileDepth};
  end_ += padded_ * pair_row_of_depth(depth);
}

/// One tap and those behind it that read the same rows, some rows further on; returns how many.
std::size_t PairRows::shifted(std::span<const GemmTap> taps, std::size_t depth) noexcept {
  const GemmTap& tap = taps[0];
  const std::size_t stride = pair_row_of_depth(depth);
  const std::size_t blocks = round_up(depth, kTileDepth) / kTileDepth;
  std::size_t count = 0;
  std::size_t shift = 0;
  for (; count < taps.size(); ++count) {
    const GemmTap& other = taps[count];
    const std::ptrdiff_t away = other.base - tap.base;
    const std::ptrdiff_t rows = tap.row_stride != 0 ? away / tap.row_stride : 0;
    const auto most = static_cast<std::ptrdiff_t>(shift + rows_);
    if (other.row_stride != tap.row_stride || rows * tap.row_stride != away ||
        rows < static_cast<std::ptrdiff_t>(shift) || rows > most ||
        other.first + rows != tap.first || other.last + rows != tap.last) {
      break;
    }
    shift = static_cast<std::size_t>(rows);
    room_.operands[count_++] = {end_ + shift * stride, stride, blocks,
                                other.weight_row / kTileDepth};
  }
  for (std::size_t r = 0; r < rows_ + shift; ++r) {
    BFloat16* row = end_ + r * stride;
    put_row(tap, static_cast<std::ptrdiff_t>(r), depth, row);
    clear(row + depth, blocks * kTileDepth - depth);
  }
  end_ += count * padded_ * stride;
  return count;
}

bool pack_pair_tile(const MatrixView& matrix, std::size_t column, std::size_t columns,
                    std::size_t depth, std::size_t depths, std::size_t parts,
                    BFloat16* to) noexcept {
  const float* from = matrix.data + static_cast<std::ptrdiff_t>(column) * matrix.column_stride +
                      static_cast<std::ptrdiff_t>(depth) * matrix.depth_stride;
  if (matrix.depth_stride == 1)
    return pack_columns(from, matrix.column_stride, columns, depths, parts, to);
  switch (parts) {
    case 1:
      return pack_rows<1>(from, matrix.depth_stride, columns, depths, to);
    case 2:
      return pack_rows<2>(from, matrix.depth_stride, columns, depths, to);
    default:
      return pack_rows<3>(from, matrix.depth_stride, columns, depths, to);
  }
}

#else

bool convert_to_parts(std::size_t, const float*, std::size_t, BFloat16*, std::size_t) noexcept {
  return false;
}
void PairRows::convert(std::span<const GemmTap>, std::size_t, const MatrixSize&) noexcept {}
bool pack_pair_tile(const MatrixView&, std::size_t, std::size_t, std::size_t, std::size_t,
                    std::size_t, BFloat16*) noexcept {
  return false;
}

#endif

}  // namespace metalaudio::nn::cpu
