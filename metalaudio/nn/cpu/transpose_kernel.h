#pragma once

#include <cstddef>

namespace metalaudio::nn::cpu {

/// Rows of floats, `stride` floats apart; those outside [first, last) are zeros.
struct RowWindow {
  const float* base = nullptr;
  std::ptrdiff_t stride = 0;
  std::ptrdiff_t first = 0;
  std::ptrdiff_t last = 0;
};

/// Whole vectors of every instruction set hold so many rows.
constexpr std::size_t whole_rows(std::size_t rows) noexcept { return (rows + 15) / 16 * 16; }

/// to[column · to_stride + row] = x[row][column] for whole_rows(rows) rows, as zeros beyond `rows`.
void transpose(const RowWindow& x, std::size_t rows, std::size_t columns, float* to,
               std::size_t to_stride);

}  // namespace metalaudio::nn::cpu
