#include <metalaudio/nn/cpu/gemm/product_shares.h>

#include <algorithm>
#include <limits>

namespace metalaudio::nn::cpu {

namespace {

/// More tiles win nothing: what is read ahead of them is there in time.
constexpr std::size_t kMostTiles = 12;
constexpr double kTilesAhead = 10;
/// Of a task whose matrix is in the cache anyway, so that threads can help one another.
constexpr std::size_t kFewTiles = 3;
/// A task that takes less costs more than it brings.
constexpr double kLeastCycles = 8000;

/// From the third cache to the second by a core among many, in bytes a cycle.
constexpr double kBytesPerCycle = 6;

}  // namespace

std::size_t SharedProduct::most_tiles() const noexcept {
  const std::size_t fitting = kStaysInCache / std::max<std::size_t>(1, tile_rows * row_bytes);
  return std::clamp(fitting, kFewTiles, kMostTiles);
}

std::size_t SharedProduct::most_rows() const noexcept {
  // A stretch may begin and end inside a tile.
  return std::min(most_tiles() + 2, tiles()) * tile_rows;
}

ProductShares::ProductShares(const SharedProduct& product, std::size_t threads) noexcept
    : product_(product), halves_(threads > 1) {
  const std::size_t tiles = product.tiles();
  if (tiles == 0 || product.panels == 0) return;
  const auto units = static_cast<double>(tiles * product.panels);
  const auto worth = static_cast<std::size_t>(units * product.unit_cycles / kLeastCycles) + 1;
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t columns = 1; columns <= 8; columns *= 2) {
    if (product.panels % columns != 0 || threads % columns != 0) continue;
    const std::size_t width = product.panels / columns;
    const std::size_t stretches =
        std::min({threads / columns, tiles * width, std::max<std::size_t>(1, worth / columns)});
    const double time = time_of(columns, stretches);
    if (time >= best) continue;
    best = time;
    columns_ = columns;
    stretches_ = stretches;
  }
  limit_ = product.most_tiles();
  const std::size_t each = (tiles + stretches_ - 1) / stretches_;
  if (stays(columns_) && each > kMostTiles) limit_ = std::min(limit_, kFewTiles);
  cold_ = !stays(columns_) || each <= kMostTiles;
  for (std::size_t s = 0; s < stretches_; ++s) pieces_ = std::max(pieces_, pieces_of(s));
}

bool ProductShares::stays(std::size_t columns) const noexcept {
  return product_.panels / columns * product_.panel_bytes <= kStaysInCache;
}

/// Of a thread, in cycles.
double ProductShares::time_of(std::size_t columns, std::size_t stretches) const noexcept {
  const auto tiles = static_cast<double>(product_.tiles()) / static_cast<double>(stretches);
  const auto panels = static_cast<double>(product_.panels / columns);
  const auto most = static_cast<double>(product_.most_tiles());
  // What is read ahead while others are multiplied comes for nothing.
  const double together = std::min(most, tiles * 0.5);
  const double waits = std::max(0.1, 1.0 - together / kTilesAhead);
  const double times = stays(columns) ? 1.0 : tiles / together;
  const double bytes = panels * static_cast<double>(product_.panel_bytes);
  return tiles * panels * product_.unit_cycles + (tiles + 1.0) * product_.tile_cycles +
         times * waits * bytes / kBytesPerCycle;
}

std::size_t ProductShares::end_of_piece(std::size_t from, std::size_t end) const noexcept {
  const std::size_t width = product_.panels / columns_;
  const std::size_t half = halves_ ? (end - from) / 2 : end - from;
  const std::size_t last = from + std::min(half, limit_ * width);
  // Whole tiles, but at the ends of a stretch.
  const std::size_t tile = std::max(last / width, from / width + 1) * width;
  return std::min(tile, end);
}

std::size_t ProductShares::pieces_of(std::size_t stretch) const noexcept {
  const auto [first, end] = units_of(stretch);
  std::size_t count = 0;
  for (std::size_t from = first; from < end; from = end_of_piece(from, end)) ++count;
  return count;
}

ProductShares::Units ProductShares::units_of(std::size_t stretch) const noexcept {
  const std::size_t units = product_.tiles() * (product_.panels / columns_);
  return {stretch * units / stretches_, (stretch + 1) * units / stretches_};
}

ProductShares::Task ProductShares::task(std::size_t index) const noexcept {
  const std::size_t width = product_.panels / columns_;
  const std::size_t share = index / pieces_;
  // Neighbours have the same rows, as in the steps before and behind.
  const auto [begin, end] = units_of(share / columns_);
  std::size_t first = begin;
  for (std::size_t piece = index % pieces_; piece > 0 && first < end; --piece)
    first = end_of_piece(first, end);
  const std::size_t last = first < end ? end_of_piece(first, end) : first;
  const std::size_t tile = first / width;
  const std::size_t end_tile = (last + width - 1) / width;
  const std::size_t rows = std::min(end_tile * product_.tile_rows, product_.rows);
  const std::size_t first_row = std::min(tile * product_.tile_rows, rows);
  const std::size_t panel = share % columns_ * width;
  return {first_row,
          rows - first_row,
          {panel, panel + width, first - tile * width, last - tile * width, 0, cold_}};
}

}  // namespace metalaudio::nn::cpu
