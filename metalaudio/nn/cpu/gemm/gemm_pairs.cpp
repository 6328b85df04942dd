#include <metalaudio/core/half.h>
#include <metalaudio/core/instruction_sets.h>
#include <metalaudio/nn/cpu/gemm/amx.h>
#include <metalaudio/nn/cpu/gemm/gemm_kernels.h>
#include <metalaudio/nn/cpu/gemm/gemm_pairs.h>
#include <metalaudio/nn/cpu/gemm/pair_conversion.h>

#include <algorithm>
#include <cstring>

namespace metalaudio::nn::cpu {

namespace {

constexpr std::size_t kTileDepth = kPairTileDepth;
constexpr std::size_t kTileColumns = kPairTileColumns;
constexpr std::size_t kTileElements = kPairTileElements;
constexpr std::size_t kPanelColumns = kPairPanelColumns;

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

/// Behind the biases: whether a number of the matrix is infinite as bfloat16.
constexpr std::size_t kFlagBytes = 64;
std::size_t flag_of(const Cut& cut) {
  return cut.panels * (cut.panel * sizeof(BFloat16) + kPanelColumns * sizeof(float));
}

/// Which column of the matrix a lane of a panel holds; size.columns: none.
std::size_t source_column(const MatrixSize& size, const Cut& cut, std::size_t panel,
                          std::size_t lane) {
  const bool gate = size.glu && lane >= kTileColumns;
  const std::size_t column = panel * cut.columns + (gate ? lane - kTileColumns : lane);
  if (column >= size.result_columns()) return size.columns;
  return gate ? size.result_columns() + column : column;
}

constexpr auto kTileStride = static_cast<std::ptrdiff_t>(kPanelColumns);

/// A panel of a packed matrix, and where its results begin.
struct Panel {
  std::size_t column;
  const BFloat16* tiles;
  const float* bias;
  bool full;    ///< every lane that is written holds a result
  bool narrow;  ///< only the first of its two vectors holds columns
};

struct Panels {
  const Cut& cut;
  const MatrixSize& size;
  const std::byte* packed;
  const PairShare& share;

  /// body(panel, first row, rows, what is read ahead) for every panel and tile of the share.
  template <typename Body>
  void for_blocks(std::size_t rows, std::size_t unit, Body&& body) const noexcept {
    const std::size_t columns = size.result_columns();
    const std::size_t begin = std::max(share.begin, share.offset);
    const std::size_t end = std::min(share.end, share.offset + cut.panels);
    for (std::size_t at = begin; at < end; ++at) {
      const std::size_t i = at - share.offset;
      const std::size_t column = i * cut.columns;
      const Panel panel{
          column, reinterpret_cast<const BFloat16*>(packed) + i * cut.panel,
          biases_of(packed, cut) + i * kPanelColumns,
          !size.glu && (column + cut.columns <= columns || column + kTileColumns == columns),
          !size.glu && column + kTileColumns >= columns};
      const std::size_t first = share.first_tile(at);
      const std::size_t last = share.last_tile(at);
      PairAhead ahead = at + 1 < end && share.cold ? next_panel(panel, last - first) : PairAhead{};
      for (std::size_t tile = first; tile < last; ++tile) {
        const std::size_t row = tile * unit;
        body(panel, row, std::min(unit, rows - row), ahead);
        ahead.from += cut.blocks * ahead.bytes;
      }
    }
  }

 private:
  /// The panel behind one, dealt out to the blocks of depths of so many tiles. Two large ones would
  /// push the rows out of the second cache.
  PairAhead next_panel(const Panel& panel, std::size_t tiles) const noexcept {
    constexpr std::size_t kLine = 64;
    constexpr std::size_t kLarge = std::size_t{128} << 10U;
    if (tiles == 0 || cut.panel * sizeof(BFloat16) > kLarge) return {};
    return {reinterpret_cast<const std::byte*>(panel.tiles + cut.panel),
            round_up(cut.block * sizeof(BFloat16) / tiles, kLine)};
  }
};

/// What tiles compute, term by term, for infinities: of parts that multiply them one by one a NaN
/// would come.
struct PlainBlock {
  std::span<const GemmTap> taps;
  std::size_t depth;
  std::size_t row;
  std::size_t rows;
  const BFloat16* panel;
  const float* bias;
  float* to;
  std::ptrdiff_t to_stride;
};
void multiply_plainly(const PlainBlock& block, std::size_t parts) noexcept {
  for (std::size_t r = 0; r < block.rows; ++r) {
    float* to = block.to + static_cast<std::ptrdiff_t>(r) * block.to_stride;
    std::copy_n(block.bias, kPanelColumns, to);
    const auto row = static_cast<std::ptrdiff_t>(block.row + r);
    for (const GemmTap& tap : block.taps) {
      const bool inside = row >= tap.first && row < tap.last;
      for (std::size_t i = 0; i < block.depth; ++i) {
        const float x =
            inside ? tap.base[row * tap.row_stride + static_cast<std::ptrdiff_t>(i)] : 0.0F;
        const std::size_t k = tap.weight_row + i;
        const BFloat16* pair = block.panel + k / kTileDepth * 2 * parts * kTileElements +
                               k % kTileDepth / 2 * 2 * kTileColumns + k % 2;
        for (std::size_t n = 0; n < kPanelColumns; ++n) {
          const BFloat16* at = pair + n / kTileColumns * kTileElements + n % kTileColumns * 2;
          float weight = 0;
          for (std::size_t part = parts; part > 0; --part) {
            weight += static_cast<float>(at[(part - 1) * 2 * kTileElements]);
          }
          to[n] += x * weight;
        }
      }
    }
  }
}

/// Whether one of some rows holds what is infinite as bfloat16.
bool holds_infinity(std::span<const PairOperand> operands, std::size_t first,
                    std::size_t rows) noexcept {
  constexpr unsigned kMagnitude = 0x7FFF;
  constexpr unsigned kInfinity = 0x7F80;
  return std::ranges::any_of(operands, [&](const PairOperand& operand) {
    for (std::size_t r = first; r < first + rows; ++r) {
      const BFloat16* row = operand.base + r * operand.stride;
      if (std::any_of(row, row + operand.blocks * kTileDepth,
                      [](BFloat16 x) { return (x.bits & kMagnitude) == kInfinity; })) {
        return true;
      }
    }
    return false;
  });
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

std::size_t amx_parts(const GemmKernel& kernel) noexcept {
  const auto* pairs = dynamic_cast<const GemmPairs*>(&kernel);
  return pairs != nullptr && pairs->unit() == GemmPairs::Unit::tiles ? pairs->parts() : 0;
}

std::string_view GemmPairs::name() const noexcept {
  if (unit_ == Unit::vectors) return "bf16 with AVX-512";
  return parts_ == 1 ? "bf16 with AMX" : parts_ == 2 ? "two bf16 with AMX" : "fp32 with AMX";
}

std::size_t GemmPairs::packed_bytes(const MatrixSize& size) const noexcept {
  const Cut cut(size, parts_);
  return flag_of(cut) + kFlagBytes;
}

GemmNeeds GemmPairs::needs(const MatrixSize& size, std::size_t taps, std::size_t rows,
                           std::size_t depth) const noexcept {
  const std::size_t padded = round_up(rows, products_.rows);
  const std::size_t converted =
      padded * std::max(pair_row_of_depth(size.depth), taps * pair_row_of_depth(depth)) +
      kTileDepth;
  return {taps, rows, depth, products_.rows * kPanelColumns + (parts_ * converted + 1) / 2};
}

void GemmPairs::pack(const MatrixView& matrix, const MatrixSize& size, const float* bias,
                     std::byte* to) const noexcept {
  const Cut cut(size, parts_);
  auto* elements = reinterpret_cast<BFloat16*>(to);
  if (cut.blocks * kTileDepth != size.depth || cut.panels * cut.columns != size.result_columns() ||
      size.result_columns() % kTileColumns != 0) {
    std::memset(static_cast<void*>(to), 0, cut.panels * cut.panel * sizeof(BFloat16));
  }
  auto* biases = const_cast<float*>(biases_of(to, cut));
  bool infinite = false;
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
        const std::size_t depth = block * kTileDepth;
        infinite |= pack_pair_tile(
            matrix, first, columns, depth, std::min(kTileDepth, size.depth - depth), parts_,
            elements + panel * cut.panel + block * cut.block + half * kTileElements);
      }
    }
  }
  std::memset(to + flag_of(cut), infinite ? 1 : 0, kFlagBytes);
}

std::size_t GemmPairs::panels(const MatrixSize& size) const noexcept {
  return Cut(size, parts_).panels;
}

SharedProduct GemmPairs::shared(const MatrixSize& size, std::size_t rows) const noexcept {
  // Of a tile and 32 depths of a panel, and of a vector of numbers that is converted.
  constexpr double kTileCycles = 16;
  constexpr double kVectorCycles = 5;
  const Cut cut(size, parts_);
  const auto parts = static_cast<double>(parts_);
  const double products = parts * (parts + 1) / 2;
  const auto blocks = static_cast<double>(cut.blocks);
  return {.rows = rows,
          .tile_rows = products_.rows,
          .panels = cut.panels,
          .panel_bytes = cut.panel * sizeof(BFloat16),
          .row_bytes = parts_ * pair_row_of_depth(size.depth) * sizeof(BFloat16),
          .unit_cycles = 4 * kTileCycles * products * blocks,
          .tile_cycles = static_cast<double>(2 * products_.rows) * blocks * kVectorCycles * parts};
}

PairShare GemmPairs::whole(const MatrixSize& size, std::size_t rows) const noexcept {
  const Cut cut(size, parts_);
  return {.end = cut.panels,
          .last_unit = cut.panels * (round_up(rows, products_.rows) / products_.rows)};
}

void GemmPairs::multiply(std::span<const GemmTap> taps, std::size_t depth, std::size_t rows,
                         const std::byte* packed, const MatrixSize& size, GemmScratch& scratch,
                         const GemmOutput& output) const noexcept {
  multiply(taps, depth, rows, packed, size, scratch, output, whole(size, rows));
}

void GemmPairs::multiply(std::span<const GemmTap> taps, std::size_t depth, std::size_t rows,
                         const std::byte* packed, const MatrixSize& size, GemmScratch& scratch,
                         const GemmOutput& output, const PairShare& share) const noexcept {
  const Cut cut(size, parts_);
  const std::size_t unit = products_.rows;
  const std::size_t padded = round_up(rows, unit);
  float* tile = scratch.floats();
  static_assert(sizeof(PairOperand) <= sizeof(GemmTap));
  const PairRoom room{
      reinterpret_cast<BFloat16*>(tile + unit * kPanelColumns),
      padded * std::max(pair_row_of_depth(size.depth), taps.size() * pair_row_of_depth(depth)) +
          kTileDepth,
      reinterpret_cast<PairOperand*>(scratch.converted_taps())};
  PairRows converted(parts_, rows, padded, room);
  converted.convert(taps, depth, size);
  if (parts_ == 1) {
    return multiply_halves(converted.operands(), rows, packed, size, tile,
                           {numbers(output.base), output.row_stride, output.activation,
                            numbers(output.residual), output.residual_row_stride},
                           share);
  }
  const bool infinite = packed[flag_of(cut)] != std::byte{0};
  const bool plain = output.activation == Activation::none && output.residual == nullptr;
  const Panels panels{cut, size, packed, share};
  products_.begin();
  panels.for_blocks(
      rows, unit,
      [&](const Panel& panel, std::size_t first, std::size_t count, const PairAhead& ahead) {
        const bool plainly =
            parts_ == 3 && (infinite || (converted.has_infinity() &&
                                         holds_infinity(converted.operands(), first, count)));
        const auto row = static_cast<std::ptrdiff_t>(first);
        GemmOutput block = output;
        block.base += row * output.row_stride;
        if (block.residual != nullptr) block.residual += row * output.residual_row_stride;
        const bool direct = plain && panel.full && count == unit && !(plainly && panel.narrow);
        float* to = direct ? block.base + panel.column : tile;
        const std::ptrdiff_t stride = direct ? output.row_stride : kTileStride;
        if (plainly) {
          multiply_plainly({taps, depth, first, count, panel.tiles, panel.bias, to, stride},
                           parts_);
        } else {
          products_.multiply({converted.operands(), first, room.part_size, panel.tiles, panel.bias,
                              panel.narrow, to, stride, nullptr, ahead});
        }
        if (!direct) gemm_finish({tile, count, panel.column, size.result_columns()}, block);
      });
  products_.end();
}

void multiply_halves(const PackedMatrix& matrix, std::span<const PairOperand> operands,
                     std::size_t rows, GemmScratch& scratch, const PairOutput& output) noexcept {
  static_cast<const GemmPairs&>(matrix.kernel())
      .multiply_halves(operands, rows, matrix.data(), matrix.size(), scratch.floats(), output);
}

void GemmPairs::multiply_halves(std::span<const PairOperand> operands, std::size_t rows,
                                const std::byte* packed, const MatrixSize& size, float* tile,
                                const PairOutput& output, const PairShare& share) const noexcept {
  const std::size_t unit = products_.rows;
  const bool plain = output.activation == Activation::none && !output.residual.present() &&
                     output.scale == nullptr && output.groups.size == 0 && !output.base.halves;
  const Cut cut(size, 1);
  const Panels panels{cut, size, packed, share};
  // The lower rows of a block leave the tiles while the next is multiplied: then it is finished.
  alignas(64) float other[kPairRows * kPanelColumns];
  float* const tiles[] = {tile, other};
  std::size_t turn = 0;
  PairRest rest;
  GemmTile behind{};
  PairOutput behind_output;
  const auto finish = [&] {
    if (behind.rows > 0) finish_pairs(behind, behind_output);
    behind.rows = 0;
  };
  products_.begin();
  panels.for_blocks(
      rows, unit,
      [&](const Panel& panel, std::size_t first, std::size_t count, const PairAhead& ahead) {
        const auto row = static_cast<std::ptrdiff_t>(first);
        PairOutput block = output;
        block.base = output.base + row * output.row_stride;
        block.residual = output.residual + row * output.residual_row_stride;
        const bool direct = plain && panel.full && count == unit;
        float* to = direct ? block.base.as<float>() + panel.column : tiles[turn];
        products_.multiply({operands, first, 0, panel.tiles,
                            output.scale == nullptr ? panel.bias : nullptr, panel.narrow, to,
                            direct ? output.row_stride : kTileStride, &rest, ahead});
        finish();
        if (direct) return;
        behind = {to, count, panel.column, size.result_columns()};
        behind_output = block;
        turn = 1 - turn;
      });
  if (products_.store != nullptr) products_.store(rest);
  products_.end();
  finish();
}

}  // namespace metalaudio::nn::cpu
