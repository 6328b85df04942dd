#include <metalaudio/core/half.h>
#include <metalaudio/core/instruction_sets.h>
#include <metalaudio/nn/cpu/gemm/gemm_kernels.h>
#include <metalaudio/nn/cpu/gemm/gemm_pairs.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

#if defined(__x86_64__)
#include <immintrin.h>
#define METALAUDIO_BF16 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))
#endif

namespace metalaudio::nn::cpu {

namespace {

constexpr std::size_t kTileDepth = kPairTileDepth;
constexpr std::size_t kTileColumns = kPairTileColumns;
constexpr std::size_t kTileElements = kPairTileElements;
constexpr std::size_t kPanelColumns = kPairPanelColumns;

constexpr std::size_t round_up(std::size_t n, std::size_t unit) {
  return (n + unit - 1) / unit * unit;
}

/// How the packed matrix is cut.
struct Cut {
  Cut(const MatrixSize& size, std::size_t parts)
      : columns(size.glu ? kTileColumns : kPanelColumns),
        panels(round_up(size.result_columns(), columns) / columns),
        blocks(round_up(size.depth, kTileDepth) / kTileDepth),
        block(2 * parts * kTileElements),
        panel(blocks * block) {}

  std::size_t columns;  ///< of the result, in one panel
  std::size_t panels;
  std::size_t blocks;  ///< of 32 depths
  std::size_t block;   ///< elements
  std::size_t panel;   ///< elements
};

const float* biases_of(const std::byte* packed, const Cut& cut) {
  return reinterpret_cast<const float*>(packed + cut.panels * cut.panel * sizeof(BFloat16));
}

/// Which column of the matrix a lane of a panel holds; size.columns: none.
std::size_t source_column(const MatrixSize& size, const Cut& cut, std::size_t panel,
                          std::size_t lane) {
  const bool gate = size.glu && lane >= kTileColumns;
  const std::size_t column = panel * cut.columns + (gate ? lane - kTileColumns : lane);
  if (column >= size.result_columns()) return size.columns;
  return gate ? size.result_columns() + column : column;
}

/// Converted rows a power of two apart would fall into the same lines of the cache.
constexpr std::size_t row_of_depth(std::size_t depth) {
  return round_up(depth, kTileDepth) + kTileDepth;
}

}  // namespace

GemmPairs::GemmPairs(Unit unit, std::size_t parts)
    : unit_(unit),
      parts_(parts),
      products_(unit == Unit::tiles ? amx_products(parts) : avx512_products()) {}

bool GemmPairs::available(Unit unit) noexcept {
  if (gemm_panel_width() != kPanelColumns) return false;
  return unit == Unit::tiles ? amx_is_granted() : InstructionSets::detect().avx512_bf16;
}

std::string_view GemmPairs::name() const noexcept {
  if (unit_ == Unit::vectors) return "bf16 with AVX-512";
  return parts_ == 1 ? "bf16 with AMX" : "two bf16 with AMX";
}

std::size_t GemmPairs::packed_bytes(const MatrixSize& size) const noexcept {
  const Cut cut(size, parts_);
  return cut.panels * (cut.panel * sizeof(BFloat16) + kPanelColumns * sizeof(float));
}

GemmNeeds GemmPairs::needs(const MatrixSize& size, std::size_t taps, std::size_t rows,
                           std::size_t depth) const noexcept {
  const std::size_t padded = round_up(rows, products_.rows);
  const std::size_t converted =
      padded * std::max(row_of_depth(size.depth), taps * row_of_depth(depth)) + kTileDepth;
  return {taps, rows, depth, products_.rows * kPanelColumns + parts_ * converted / 2};
}

#if defined(METALAUDIO_BF16)

namespace {

/// Which part of a float a bfloat16 is: the float rounded to nearest even, or what that leaves.
enum class Part { large, small };

/// What rounding leaves; nothing of what is not finite.
METALAUDIO_BF16 inline __m512 left_of(__m512 v) noexcept {
  const __m256bh rounded = _mm512_cvtneps_pbh(v);
  __m256i bits;
  std::memcpy(&bits, &rounded, sizeof bits);
  // GCC warns of the undefined vectors in the forms without a mask.
  constexpr __mmask16 kAll = 0xFFFF;
  const __m512i wide = _mm512_maskz_slli_epi32(kAll, _mm512_maskz_cvtepu16_epi32(kAll, bits), 16);
  const __m512 rest = _mm512_sub_ps(v, _mm512_castsi512_ps(wide));
  const __mmask16 finite = _mm512_cmp_ps_mask(
      _mm512_abs_ps(rest), _mm512_set1_ps(std::numeric_limits<float>::infinity()), _CMP_LT_OQ);
  return _mm512_maskz_mov_ps(finite, rest);
}

template <Part kPart>
METALAUDIO_BF16 inline __m512 part_of(__m512 v) noexcept {
  if constexpr (kPart == Part::small) v = left_of(v);
  return v;
}

/// to[count] = a part of from[count].
template <Part kPart>
METALAUDIO_BF16 void convert(const float* from, std::size_t count, BFloat16* to) noexcept {
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    const __m512bh v = _mm512_cvtne2ps_pbh(part_of<kPart>(_mm512_loadu_ps(from + i + 16)),
                                           part_of<kPart>(_mm512_loadu_ps(from + i)));
    std::memcpy(to + i, &v, sizeof v);
  }
  for (; i < count; i += 16) {
    const std::size_t rest = std::min<std::size_t>(16, count - i);
    const auto mask = static_cast<__mmask16>((1U << rest) - 1U);
    const __m256bh v = _mm512_cvtneps_pbh(part_of<kPart>(_mm512_maskz_loadu_ps(mask, from + i)));
    __m256i bits;
    std::memcpy(&bits, &v, sizeof bits);
    _mm256_mask_storeu_epi16(to + i, mask, bits);
  }
}

/// Up to 32 depths of up to 16 columns that lie `stride` floats apart, each contiguous: one tile.
template <Part kPart>
METALAUDIO_BF16 void pack_columns(const float* from, std::ptrdiff_t stride, std::size_t columns,
                                  std::size_t depth, BFloat16* to) noexcept {
  const __m512i rows =
      _mm512_mullo_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                         _mm512_set1_epi32(16));
  alignas(64) BFloat16 line[kTileDepth];
  for (std::size_t n = 0; n < columns; ++n) {
    std::memset(line, 0, sizeof line);
    convert<kPart>(from + static_cast<std::ptrdiff_t>(n) * stride, depth, line);
    const __m512i pairs = _mm512_load_si512(line);
    _mm512_i32scatter_epi32(reinterpret_cast<int*>(to) + n, rows, pairs, 4);
  }
}

/// The same where the columns are contiguous and the depths `stride` floats apart.
template <Part kPart>
METALAUDIO_BF16 void pack_rows(const float* from, std::ptrdiff_t stride, std::size_t columns,
                               std::size_t depth, BFloat16* to) noexcept {
  const auto mask = static_cast<__mmask16>(columns >= 16 ? 0xFFFFU : (1U << columns) - 1U);
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  for (std::size_t k = 0; k < depth; k += 2) {
    const float* row = from + static_cast<std::ptrdiff_t>(k) * stride;
    const __m512 even = _mm512_maskz_loadu_ps(mask, row);
    const __m512 odd =
        k + 1 < depth ? _mm512_maskz_loadu_ps(mask, row + stride) : _mm512_setzero_ps();
    const __m512bh both = _mm512_cvtne2ps_pbh(part_of<kPart>(odd), part_of<kPart>(even));
    __m512i bits;
    std::memcpy(&bits, &both, sizeof bits);
    _mm512_storeu_si512(to + k * kTileColumns, _mm512_permutexvar_epi16(order, bits));
  }
}

template <Part kPart>
void pack_tile(const MatrixView& matrix, const float* from, std::size_t columns, std::size_t depth,
               BFloat16* to) noexcept {
  if (matrix.depth_stride == 1) {
    pack_columns<kPart>(from, matrix.column_stride, columns, depth, to);
  } else {
    pack_rows<kPart>(from, matrix.depth_stride, columns, depth, to);
  }
}

/// Converts the rows of taps, and what several taps read only once.
class Converter {
 public:
  /// Room for the rows of `parts` parts, `padded` of them read, and one operand a tap.
  Converter(std::size_t parts, std::size_t rows, std::size_t padded, BFloat16* room,
            std::size_t part_size, PairOperand* operands)
      : parts_(parts),
        rows_(rows),
        padded_(padded),
        end_(room),
        part_size_(part_size),
        operands_(operands) {}

  std::span<const PairOperand> operands() const noexcept { return {operands_, count_}; }

  void convert_taps(std::span<const GemmTap> taps, std::size_t depth, std::size_t matrix_depth) {
    const bool whole =
        std::ranges::all_of(taps, [](const GemmTap& t) { return t.weight_row % kTileDepth == 0; });
    if (!whole && (taps.size() != 1 || taps[0].weight_row != 0)) {
      return side_by_side(taps, depth, matrix_depth);
    }
    // Beyond the depth of one of several taps lie the weights of the next.
    const bool ends = depth % kTileDepth == 0 || depth == matrix_depth;
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

 private:
  void put(const float* from, std::size_t count, BFloat16* to) const noexcept {
    convert<Part::large>(from, count, to);
    if (parts_ == 2) convert<Part::small>(from, count, to + part_size_);
  }
  void clear(BFloat16* to, std::size_t count) const noexcept {
    for (std::size_t part = 0; part < parts_; ++part) {
      std::memset(static_cast<void*>(to + part * part_size_), 0, count * sizeof(BFloat16));
    }
  }
  void put_row(const GemmTap& tap, std::ptrdiff_t row, std::size_t depth, BFloat16* to) const {
    if (row >= tap.first && row < tap.last) {
      put(tap.base + row * tap.row_stride, depth, to);
    } else {
      clear(to, depth);
    }
  }

  /// All taps of a row one after the other, zeros where one is missing.
  void side_by_side(std::span<const GemmTap> taps, std::size_t depth, std::size_t matrix_depth) {
    const std::size_t stride = row_of_depth(matrix_depth);
    const std::size_t blocks = round_up(matrix_depth, kTileDepth) / kTileDepth;
    if (taps.size() * depth != blocks * kTileDepth) clear(end_, rows_ * stride);
    for (const GemmTap& tap : taps) {
      for (std::size_t r = 0; r < rows_; ++r) {
        put_row(tap, static_cast<std::ptrdiff_t>(r), depth, end_ + r * stride + tap.weight_row);
      }
    }
    operands_[count_++] = {end_, stride, blocks, 0};
  }

  /// Rows that overlap in memory, as windows do. What the last block reads beyond a row's depth
  /// meets zeros of the matrix.
  void overlapping(const GemmTap& tap, std::size_t depth) {
    const auto stride = static_cast<std::size_t>(tap.row_stride);
    const std::size_t size = (rows_ - 1) * stride + depth;
    put(tap.base, size, end_);
    clear(end_ + size, kTileDepth);
    operands_[count_++] = {end_, stride, round_up(depth, kTileDepth) / kTileDepth,
                           tap.weight_row / kTileDepth};
    end_ += padded_ * row_of_depth(depth);
  }

  /// One tap and those behind it that read the same rows, some rows further on; returns how many.
  std::size_t shifted(std::span<const GemmTap> taps, std::size_t depth) {
    const GemmTap& tap = taps[0];
    const std::size_t stride = row_of_depth(depth);
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
      operands_[count_++] = {end_ + shift * stride, stride, blocks, other.weight_row / kTileDepth};
    }
    for (std::size_t r = 0; r < rows_ + shift; ++r) {
      BFloat16* row = end_ + r * stride;
      put_row(tap, static_cast<std::ptrdiff_t>(r), depth, row);
      clear(row + depth, blocks * kTileDepth - depth);
    }
    end_ += count * padded_ * stride;
    return count;
  }

  std::size_t parts_;
  std::size_t rows_;
  std::size_t padded_;
  BFloat16* end_;
  std::size_t part_size_;
  PairOperand* operands_;
  std::size_t count_ = 0;
};

}  // namespace

void GemmPairs::pack(const MatrixView& matrix, const MatrixSize& size, const float* bias,
                     std::byte* to) const noexcept {
  const Cut cut(size, parts_);
  auto* elements = reinterpret_cast<BFloat16*>(to);
  if (cut.blocks * kTileDepth != size.depth || cut.panels * cut.columns != size.result_columns() ||
      size.result_columns() % kTileColumns != 0) {
    std::memset(static_cast<void*>(to), 0, cut.panels * cut.panel * sizeof(BFloat16));
  }
  auto* biases = const_cast<float*>(biases_of(to, cut));
  for (std::size_t panel = 0; panel < cut.panels; ++panel) {
    for (std::size_t lane = 0; lane < kPanelColumns; ++lane) {
      const std::size_t column = source_column(size, cut, panel, lane);
      biases[panel * kPanelColumns + lane] =
          bias != nullptr && column < size.columns ? bias[column] : 0.0F;
    }
    for (std::size_t half = 0; half < 2; ++half) {
      const std::size_t first = source_column(size, cut, panel, half * kTileColumns);
      if (first >= size.columns) continue;
      const std::size_t end = size.glu && half == 0 ? size.result_columns() : size.columns;
      const std::size_t columns = std::min(kTileColumns, end - first);
      for (std::size_t block = 0; block < cut.blocks; ++block) {
        BFloat16* tile = elements + panel * cut.panel + block * cut.block + half * kTileElements;
        const std::size_t depth = std::min(kTileDepth, size.depth - block * kTileDepth);
        const float* from = matrix.data +
                            static_cast<std::ptrdiff_t>(first) * matrix.column_stride +
                            static_cast<std::ptrdiff_t>(block * kTileDepth) * matrix.depth_stride;
        pack_tile<Part::large>(matrix, from, columns, depth, tile);
        if (parts_ == 2) {
          pack_tile<Part::small>(matrix, from, columns, depth, tile + 2 * kTileElements);
        }
      }
    }
  }
}

void GemmPairs::multiply(std::span<const GemmTap> taps, std::size_t depth, std::size_t rows,
                         const std::byte* packed, const MatrixSize& size, GemmScratch& scratch,
                         const GemmOutput& output) const noexcept {
  const Cut cut(size, parts_);
  const std::size_t unit = products_.rows;
  const std::size_t padded = round_up(rows, unit);
  float* tile = scratch.floats();
  auto* converted = reinterpret_cast<BFloat16*>(tile + unit * kPanelColumns);
  const std::size_t part_size =
      padded * std::max(row_of_depth(size.depth), taps.size() * row_of_depth(depth)) + kTileDepth;
  static_assert(sizeof(PairOperand) <= sizeof(GemmTap));
  Converter converter(parts_, rows, padded, converted, part_size,
                      reinterpret_cast<PairOperand*>(scratch.converted_taps()));
  converter.convert_taps(taps, depth, size.depth);
  const auto* elements = reinterpret_cast<const BFloat16*>(packed);
  const float* biases = biases_of(packed, cut);
  const bool plain = output.activation == Activation::none && output.residual == nullptr;
  products_.begin();
  for (std::size_t panel = 0; panel < cut.panels; ++panel) {
    const std::size_t column = panel * cut.columns;
    const bool full = column + cut.columns <= size.result_columns();
    const bool narrow = !size.glu && column + kTileColumns >= size.result_columns();
    for (std::size_t row = 0; row < rows; row += unit) {
      const std::size_t count = std::min(unit, rows - row);
      GemmOutput block = output;
      block.base += static_cast<std::ptrdiff_t>(row) * output.row_stride;
      if (block.residual != nullptr) {
        block.residual += static_cast<std::ptrdiff_t>(row) * output.residual_row_stride;
      }
      const bool direct = plain && full && !size.glu && count == unit;
      products_.multiply({converter.operands(), row, part_size, elements + panel * cut.panel,
                          biases + panel * kPanelColumns, narrow,
                          direct ? block.base + column : tile,
                          direct ? output.row_stride : static_cast<std::ptrdiff_t>(kPanelColumns)});
      if (!direct) gemm_finish({tile, count, column, size.result_columns()}, block);
    }
  }
  products_.end();
}

#else

void GemmPairs::pack(const MatrixView&, const MatrixSize&, const float*,
                     std::byte*) const noexcept {}
void GemmPairs::multiply(std::span<const GemmTap>, std::size_t, std::size_t, const std::byte*,
                         const MatrixSize&, GemmScratch&, const GemmOutput&) const noexcept {}

#endif

}  // namespace metalaudio::nn::cpu
