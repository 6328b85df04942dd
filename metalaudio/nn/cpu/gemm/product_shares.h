#pragma once

#include <cstddef>

namespace metalaudio::nn::cpu {

/// Half of a second cache: what is no larger stays there beside all else.
constexpr std::size_t kStaysInCache = std::size_t{1} << 20U;

/// What one task computes of a product: a stretch of units, each a tile of rows by a panel of
/// columns. Units follow one another panel by panel, then tile by tile, among panels [begin, end) of
/// matrices that lie side by side. A stretch that begins inside a tile leaves its first panels to the
/// task before. No unit depends on how they are shared.
struct PairShare {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t first_unit = 0;  ///< from the first of the tiles that the task is given
  std::size_t last_unit = 0;
  std::size_t offset = 0;  ///< the panel at which a matrix begins
  bool cold = false;       ///< the matrix is read for the first time, or does not stay

  std::size_t first_tile(std::size_t panel) const noexcept { return tile_of(first_unit, panel); }
  std::size_t last_tile(std::size_t panel) const noexcept { return tile_of(last_unit, panel); }
  PairShare of(std::size_t matrix) const noexcept {
    PairShare share = *this;
    share.offset = matrix;
    return share;
  }

 private:
  /// The first tile whose unit of a panel is `unit` or one behind it.
  std::size_t tile_of(std::size_t unit, std::size_t panel) const noexcept {
    const std::size_t width = end - begin;
    const std::size_t column = panel - begin;
    return unit <= column ? 0 : (unit - column + width - 1) / width;
  }
};

/// A product of many rows with constant matrices that lie side by side.
struct SharedProduct {
  std::size_t rows = 0;
  std::size_t tile_rows = 1;
  std::size_t panels = 0;
  std::size_t panel_bytes = 0;
  std::size_t row_bytes = 0;  ///< as they are multiplied
  double unit_cycles = 1;     ///< of a tile and a panel
  double tile_cycles = 0;     ///< of what comes before, for each tile of rows

  /// What a task is given at most, but for tiles that it shares with others, and with these.
  std::size_t most_tiles() const noexcept;
  std::size_t most_rows() const noexcept;
  std::size_t tiles() const noexcept { return (rows + tile_rows - 1) / tile_rows; }
};

/// Cuts a product for a number of threads: each gets as many units as the others, of which it reads
/// as little from afar as it can, in tasks that become smaller, so that whoever is done first helps
/// those that are slow.
class ProductShares {
 public:
  /// There may be some without rows.
  struct Task {
    std::size_t first_row;
    std::size_t rows;
    PairShare share;
  };

  ProductShares(const SharedProduct& product, std::size_t threads) noexcept;
  std::size_t tasks() const noexcept { return columns_ * stretches_ * pieces_; }
  Task task(std::size_t index) const noexcept;

 private:
  struct Units {
    std::size_t first;
    std::size_t end;
  };

  double time_of(std::size_t columns, std::size_t stretches) const noexcept;
  bool stays(std::size_t columns) const noexcept;
  Units units_of(std::size_t stretch) const noexcept;
  std::size_t end_of_piece(std::size_t from, std::size_t end) const noexcept;
  std::size_t pieces_of(std::size_t stretch) const noexcept;

  const SharedProduct& product_;
  bool halves_;                ///< a piece is half of what is left
  std::size_t columns_ = 1;    ///< blocks of panels
  std::size_t stretches_ = 0;  ///< of units in each, one for a thread
  std::size_t pieces_ = 0;     ///< of a stretch, at most
  std::size_t limit_ = 1;      ///< tiles of a piece
  bool cold_ = false;
};

}  // namespace metalaudio::nn::cpu
