#include <metalaudio/core/half.h>
#include <metalaudio/core/instruction_sets.h>
#include <metalaudio/nn/cpu/gemm/gemm_amx.h>
#include <metalaudio/nn/cpu/gemm/gemm_kernels.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#define METALAUDIO_AMX \
  __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))
#endif

namespace metalaudio::nn::cpu {

namespace {

constexpr std::size_t kTileRows = 16;
constexpr std::size_t kTileDepth = 32;
constexpr std::size_t kTileColumns = 16;
constexpr std::size_t kTileElements = kTileRows * kTileDepth;
constexpr std::size_t kPanelColumns = 2 * kTileColumns;

constexpr std::size_t round_up(std::size_t n, std::size_t unit) {
  return (n + unit - 1) / unit * unit;
}

/// How the packed matrix and the converted rows are cut.
struct Cut {
  explicit Cut(const MatrixSize& size)
      : columns(size.glu ? kTileColumns : kPanelColumns),
        panels(round_up(size.result_columns(), columns) / columns),
        blocks(round_up(size.depth, kTileDepth) / kTileDepth),
        panel(blocks * 2 * kTileElements),
        // Rows a power of two apart would fall into the same lines of the cache.
        row(blocks * kTileDepth + kTileDepth) {}

  std::size_t columns;  ///< of the result, in one panel
  std::size_t panels;
  std::size_t blocks;  ///< of 32 depths
  std::size_t panel;   ///< elements
  std::size_t row;     ///< elements between converted rows
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

}  // namespace

std::size_t GemmAmx::packed_bytes(const MatrixSize& size) const noexcept {
  const Cut cut(size);
  return cut.panels * (cut.panel * sizeof(BFloat16) + kPanelColumns * sizeof(float));
}

GemmNeeds GemmAmx::needs(const MatrixSize& size, std::size_t taps, std::size_t rows,
                         std::size_t depth) const noexcept {
  const std::size_t padded = round_up(rows, 2 * kTileRows);
  const std::size_t converted = padded * Cut(size).row * sizeof(BFloat16) / sizeof(float);
  return {taps, rows, depth, 2 * kTileRows * kPanelColumns + converted};
}

#if defined(METALAUDIO_AMX)

namespace {

/// The shape of all eight tiles: 16 rows of 64 bytes.
struct alignas(64) TileConfiguration {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

/// to[count] = from[count] rounded to nearest even.
METALAUDIO_AMX void convert(const float* from, std::size_t count, BFloat16* to) noexcept {
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    const __m512bh v =
        _mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + i + 16), _mm512_loadu_ps(from + i));
    std::memcpy(to + i, &v, sizeof v);
  }
  for (; i < count; i += 16) {
    const std::size_t rest = std::min<std::size_t>(16, count - i);
    const auto mask = static_cast<__mmask16>((1U << rest) - 1U);
    const __m256bh v = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, from + i));
    __m256i bits;
    std::memcpy(&bits, &v, sizeof bits);
    _mm256_mask_storeu_epi16(to + i, mask, bits);
  }
}

/// Up to 32 depths of up to 16 columns that lie `stride` floats apart, each contiguous: one tile.
METALAUDIO_AMX void pack_columns(const float* from, std::ptrdiff_t stride, std::size_t columns,
                                 std::size_t depth, BFloat16* to) noexcept {
  const __m512i rows =
      _mm512_mullo_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                         _mm512_set1_epi32(16));
  alignas(64) BFloat16 line[kTileDepth];
  for (std::size_t n = 0; n < columns; ++n) {
    std::memset(line, 0, sizeof line);
    convert(from + static_cast<std::ptrdiff_t>(n) * stride, depth, line);
    const __m512i pairs = _mm512_load_si512(line);
    _mm512_i32scatter_epi32(reinterpret_cast<int*>(to) + n, rows, pairs, 4);
  }
}

/// The same where the columns are contiguous and the depths `stride` floats apart.
METALAUDIO_AMX void pack_rows(const float* from, std::ptrdiff_t stride, std::size_t columns,
                              std::size_t depth, BFloat16* to) noexcept {
  const auto mask = static_cast<__mmask16>(columns >= 16 ? 0xFFFFU : (1U << columns) - 1U);
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  for (std::size_t k = 0; k < depth; k += 2) {
    const float* row = from + static_cast<std::ptrdiff_t>(k) * stride;
    const __m512 even = _mm512_maskz_loadu_ps(mask, row);
    const __m512 odd =
        k + 1 < depth ? _mm512_maskz_loadu_ps(mask, row + stride) : _mm512_setzero_ps();
    const __m512bh both = _mm512_cvtne2ps_pbh(odd, even);
    __m512i bits;
    std::memcpy(&bits, &both, sizeof bits);
    _mm512_storeu_si512(to + k * kTileColumns, _mm512_permutexvar_epi16(order, bits));
  }
}

/// 32 rows times one panel: four tiles of sums that start at the biases.
METALAUDIO_AMX void multiply_tiles(const BFloat16* rows, std::size_t row_stride,
                                   const BFloat16* panel, std::size_t blocks, const float* bias,
                                   float* to, std::ptrdiff_t to_stride) noexcept {
  const auto a_stride = static_cast<long>(row_stride * sizeof(BFloat16));
  const BFloat16* low = rows;
  const BFloat16* high = rows + kTileRows * row_stride;
  _tile_loadd(0, bias, 0);
  _tile_loadd(1, bias + kTileColumns, 0);
  _tile_loadd(2, bias, 0);
  _tile_loadd(3, bias + kTileColumns, 0);
  for (std::size_t block = 0; block < blocks; ++block) {
    _tile_loadd(4, low + block * kTileDepth, a_stride);
    _tile_loadd(6, panel, 64);
    _tile_loadd(7, panel + kTileElements, 64);
    _tile_loadd(5, high + block * kTileDepth, a_stride);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
    panel += 2 * kTileElements;
  }
  const auto stride = static_cast<long>(to_stride * static_cast<std::ptrdiff_t>(sizeof(float)));
  _tile_stored(0, to, stride);
  _tile_stored(1, to + kTileColumns, stride);
  _tile_stored(2, to + 16 * to_stride, stride);
  _tile_stored(3, to + 16 * to_stride + kTileColumns, stride);
}

METALAUDIO_AMX void configure_tiles() noexcept {
  static constexpr TileConfiguration kConfiguration;
  _tile_loadconfig(&kConfiguration);
}

METALAUDIO_AMX void release_tiles() noexcept { _tile_release(); }

/// All taps of all rows side by side in bfloat16, zeros where a tap or a row is missing.
void convert_rows(std::span<const GemmTap> taps, std::size_t depth, std::size_t rows,
                  const Cut& cut, BFloat16* to) noexcept {
  const std::size_t padded = round_up(rows, 2 * kTileRows);
  const bool whole = taps.size() * depth == cut.blocks * kTileDepth && rows == padded;
  if (!whole) std::memset(static_cast<void*>(to), 0, padded * cut.row * sizeof(BFloat16));
  for (const GemmTap& tap : taps) {
    for (std::size_t r = 0; r < rows; ++r) {
      const auto row = static_cast<std::ptrdiff_t>(r);
      BFloat16* at = to + r * cut.row + tap.weight_row;
      if (row >= tap.first && row < tap.last) {
        convert(tap.base + row * tap.row_stride, depth, at);
      } else if (whole) {
        std::memset(static_cast<void*>(at), 0, depth * sizeof(BFloat16));
      }
    }
  }
}

}  // namespace

bool GemmAmx::available() noexcept {
  static const bool granted = [] {
    constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
    constexpr long kTileData = 18;
    const InstructionSets sets = InstructionSets::detect();
    return sets.amx_bf16 && sets.avx512_bf16 &&
           syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  }();
  return granted && gemm_panel_width() == kPanelColumns;
}

void GemmAmx::pack(const MatrixView& matrix, const MatrixSize& size, const float* bias,
                   std::byte* to) const noexcept {
  const Cut cut(size);
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
        BFloat16* tile = elements + panel * cut.panel + (block * 2 + half) * kTileElements;
        const std::size_t depth = std::min(kTileDepth, size.depth - block * kTileDepth);
        const float* from = matrix.data +
                            static_cast<std::ptrdiff_t>(first) * matrix.column_stride +
                            static_cast<std::ptrdiff_t>(block * kTileDepth) * matrix.depth_stride;
        if (matrix.depth_stride == 1) {
          pack_columns(from, matrix.column_stride, columns, depth, tile);
        } else {
          pack_rows(from, matrix.depth_stride, columns, depth, tile);
        }
      }
    }
  }
}

void GemmAmx::multiply(std::span<const GemmTap> taps, std::size_t depth, std::size_t rows,
                       const std::byte* packed, const MatrixSize& size, GemmScratch& scratch,
                       const GemmOutput& output) const noexcept {
  const Cut cut(size);
  float* tile = scratch.floats();
  auto* converted = reinterpret_cast<BFloat16*>(tile + 2 * kTileRows * kPanelColumns);
  convert_rows(taps, depth, rows, cut, converted);
  const auto* elements = reinterpret_cast<const BFloat16*>(packed);
  const float* biases = biases_of(packed, cut);
  const bool plain = output.activation == Activation::none && output.residual == nullptr;
  configure_tiles();
  for (std::size_t panel = 0; panel < cut.panels; ++panel) {
    const std::size_t column = panel * cut.columns;
    const bool full = column + cut.columns <= size.result_columns();
    for (std::size_t row = 0; row < rows; row += 2 * kTileRows) {
      const std::size_t count = std::min(2 * kTileRows, rows - row);
      GemmOutput block = output;
      block.base += static_cast<std::ptrdiff_t>(row) * output.row_stride;
      if (block.residual != nullptr) {
        block.residual += static_cast<std::ptrdiff_t>(row) * output.residual_row_stride;
      }
      const bool direct = plain && full && !size.glu && count == 2 * kTileRows;
      multiply_tiles(converted + row * cut.row, cut.row, elements + panel * cut.panel, cut.blocks,
                     biases + panel * kPanelColumns, direct ? block.base + column : tile,
                     direct ? output.row_stride : static_cast<std::ptrdiff_t>(kPanelColumns));
      if (!direct) gemm_finish({tile, count, column, size.result_columns()}, block);
    }
  }
  release_tiles();
}

#else

bool GemmAmx::available() noexcept { return false; }
void GemmAmx::pack(const MatrixView&, const MatrixSize&, const float*, std::byte*) const noexcept {}
void GemmAmx::multiply(std::span<const GemmTap>, std::size_t, std::size_t, const std::byte*,
                       const MatrixSize&, GemmScratch&, const GemmOutput&) const noexcept {}

#endif

}  // namespace metalaudio::nn::cpu
