#pragma once

#include <metalaudio/nn/cpu/cpu_step.h>
#include <metalaudio/nn/cpu/gemm/gemm_pairs.h>
#include <metalaudio/nn/cpu/numbers.h>

#include <algorithm>
#include <cstddef>

namespace metalaudio::nn::cpu {

/// A row of positions of channels.
struct PositionsRow {
  Numbers numbers;
  std::ptrdiff_t positions;
  std::ptrdiff_t channels;
};

/// Writes positions [begin, begin + count) as bfloat16, zeros for those outside the row.
void stage(const PositionsRow& row, std::ptrdiff_t begin, std::ptrdiff_t count,
           BFloat16* to) noexcept;

/// The windows of a convolution over positions, as rows of a product that reads bfloat16 where they
/// lie: with dilation 1 a window is one run, otherwise one for each tap. Runs begin at whole tiles
/// of the matrix; what a tile reads beyond a run meets zeros there and must be finite.
class Windows {
 public:
  Windows() = default;
  Windows(std::int64_t channels, std::int64_t kernel, std::int64_t stride, std::int64_t dilation)
      : channels_(channels), kernel_(kernel), stride_(stride), dilation_(dilation) {}

  /// Of the matrix that a window multiplies, and where the channels of a tap begin in it.
  std::size_t depth() const noexcept { return runs() * run_depth(); }
  std::size_t place(std::size_t tap) const noexcept {
    return runs() == 1 ? tap * static_cast<std::size_t>(channels_) : tap * run_depth();
  }
  std::size_t runs() const noexcept {
    return dilation_ == 1 ? 1 : static_cast<std::size_t>(kernel_);
  }
  /// Which of `outputs` windows, the first of which begins `before` positions before the row, lie
  /// inside it with all that is read for them: [first, end).
  struct Inside {
    std::ptrdiff_t first = 0;
    std::ptrdiff_t end = 0;
    bool to_whole_tiles = false;  ///< what a whole tile reads beyond its last window may be read
  };
  Inside inside(std::ptrdiff_t positions, std::ptrdiff_t before, std::ptrdiff_t outputs) const;
  /// So many positions behind all rows hide what a tile reads beyond its last window.
  std::ptrdiff_t tile_positions() const noexcept {
    return static_cast<std::ptrdiff_t>(kPairRows) * stride_ + more();
  }
  /// Positions from the first of `rows` windows to the last.
  std::ptrdiff_t positions(std::size_t rows) const noexcept {
    return (static_cast<std::ptrdiff_t>(rows) - 1) * stride_ + (kernel_ - 1) * dilation_ + 1;
  }
  /// The numbers that a product of `rows` rows reads from the first on, and room for whole tiles.
  std::size_t numbers(std::size_t rows) const noexcept {
    const std::ptrdiff_t whole = positions(round_up(rows, kPairRows)) * channels_;
    return round_up(static_cast<std::size_t>(whole), kPairTileDepth) + kPairTileDepth;
  }
  /// Appends the operands of windows from the one that begins at `first` on, for the matrix's depths
  /// from `depth` on; the next one's place.
  PairOperand* append(const BFloat16* first, std::size_t depth, PairOperand* to) const noexcept;
  /// The same of windows of which not all lie inside, from position `begin` on: these are staged in
  /// room for numbers(rows), which then moves on.
  PairOperand* append_staged(const PositionsRow& row, std::ptrdiff_t begin, std::size_t rows,
                             std::size_t depth, BFloat16*& room, PairOperand* to) const noexcept;

 private:
  std::size_t run_depth() const noexcept {
    return round_up(static_cast<std::size_t>(dilation_ == 1 ? kernel_ * channels_ : channels_),
                    kPairTileDepth);
  }

  /// Positions that a run's last tile reads beyond it.
  std::ptrdiff_t more() const noexcept {
    const std::ptrdiff_t run = dilation_ == 1 ? kernel_ * channels_ : channels_;
    const std::ptrdiff_t beyond = static_cast<std::ptrdiff_t>(run_depth()) - run;
    return channels_ == 0 ? 0 : (beyond + channels_ - 1) / channels_;
  }

  std::ptrdiff_t channels_ = 0;
  std::ptrdiff_t kernel_ = 1;
  std::ptrdiff_t stride_ = 1;
  std::ptrdiff_t dilation_ = 1;
};

/// body(first, rows, inside) over rows [first, first + rows) of a product: whole tiles of windows
/// that lie inside, and the others, at most kBlockRows of these at a time.
template <typename Body>
void over_windows(std::ptrdiff_t first, std::ptrdiff_t rows, const Windows::Inside& inside,
                  Body&& body) noexcept {
  constexpr auto kUnit = static_cast<std::ptrdiff_t>(kPairRows);
  const std::ptrdiff_t end = first + rows;
  const auto units = [](std::ptrdiff_t n) { return n / kUnit * kUnit; };
  const std::ptrdiff_t begin =
      std::min(end, first + units(std::max<std::ptrdiff_t>(0, inside.first - first) + kUnit - 1));
  const std::ptrdiff_t last =
      inside.to_whole_tiles && inside.end >= end
          ? end
          : begin + units(std::max<std::ptrdiff_t>(0, std::min(end, inside.end) - begin));
  const auto staged = [&](std::ptrdiff_t from, std::ptrdiff_t to) {
    constexpr auto kMost = static_cast<std::ptrdiff_t>(kBlockRows);
    for (; from < to; from += kMost) body(from, std::min(kMost, to - from), false);
  };
  staged(first, begin);
  if (last > begin) body(begin, last - begin, true);
  staged(last, end);
}

}  // namespace metalaudio::nn::cpu
