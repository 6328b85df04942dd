#pragma once

#include <metalaudio/core/array.h>

#include <complex>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace metalaudio::dsp {

// Tables of the complex transforms; ../README.md draws what rows, lanes, columns and groups are.

/// exp(-2πi·k/n) for any k, exact to double: two short tables and one product.
class FftRoots {
 public:
  explicit FftRoots(std::size_t n);
  std::complex<double> operator()(std::size_t k) const noexcept {
    const std::size_t reduced = k % n_;
    return coarse_[reduced / fine_.size()] * fine_[reduced % fine_.size()];
  }

 private:
  std::size_t n_;
  std::vector<std::complex<double>> fine_;
  std::vector<std::complex<double>> coarse_;
};

struct FftPass {
  std::size_t radix;
  std::size_t span;      ///< rows between the inputs of one butterfly
  std::size_t twiddles;  ///< where the pass's (radix - 1) · span factors start
};

/// A transform down the columns of a matrix whose rows are vectors: every lane is a transform of
/// its own, in place, decimated in frequency, so that output k ends in row row_of[k].
template <typename T>
struct FftColumns {
  std::size_t rows = 0;
  /// Rows left free after each block of the first pass, where all would meet in the same cache
  /// sets.
  std::size_t gap = 0;
  std::vector<FftPass> passes;
  Array<T> twiddles;                  ///< re, im, re, im, …
  std::vector<std::uint32_t> row_of;  ///< padded with row 0 to one full vector
  std::size_t stored_rows() const noexcept {
    return rows + (passes.empty() ? 0 : passes[0].radix * gap);
  }
};

template <typename T>
FftColumns<T> make_fft_columns(std::size_t rows);
/// By passes of the given radices, whose product is the number of rows.
template <typename T>
FftColumns<T> make_fft_columns(const std::vector<std::size_t>& radices, std::size_t gap);
/// The gap that such passes want.
std::size_t fft_gap(const std::vector<std::size_t>& radices);

/// The last pass of a transform of `size` points, which goes across the lanes: outputs of the
/// columns in groups of as many as there are lanes, and their twiddle factors.
template <typename T>
struct FftGroups {
  std::vector<std::uint32_t> starts;  ///< the first of each group; the last may overlap another
  Array<T> twiddles;                  ///< [group][lane 1…][re, im][lanes]
};

template <typename T>
FftGroups<T> make_fft_groups(std::size_t size, std::size_t rows, std::size_t lanes);

/// A complex transform of rows · lanes points: columns first, then one transform of `lanes` points
/// across the lanes, for as many outputs at a time as there are lanes.
template <typename T>
struct FftLanes {
  std::size_t size = 0;
  std::size_t lanes = 0;
  FftColumns<T> columns;
  FftGroups<T> groups;
  std::size_t scratch_size() const noexcept { return 2 * lanes * columns.stored_rows(); }
};

template <typename T>
FftLanes<T> make_fft_lanes(std::size_t size, std::size_t lanes);

/// A complex transform of tall · wide points for sizes that lanes do not divide: down the columns
/// of tall x wide, a transposition, down the columns of wide x tall. Rows are padded to lanes.
template <typename T>
struct FftGrid {
  std::size_t size = 0;
  std::size_t lanes = 0;
  FftColumns<T> tall;
  FftColumns<T> wide;
  std::size_t wide_stripes = 0;       ///< vectors in a row of `wide` points
  std::vector<std::uint32_t> starts;  ///< the first column of each vector in a row of `tall` points
  std::size_t stride = 0;             ///< of the transposed rows
  Array<T> twiddles;                  ///< [stripe][start][lane][re, im][lanes]
  std::size_t stripe_size() const noexcept;
  std::size_t scratch_size() const noexcept;
};

template <typename T>
FftGrid<T> make_fft_grid(std::size_t size, std::size_t tall, std::size_t lanes);

/// The radices of a column transform, in the order of the passes.
std::vector<std::size_t> fft_radices(std::size_t n);

/// What a plan costs, in vector operations, to choose among them.
double fft_lanes_cost(std::size_t size, std::size_t lanes);
double fft_grid_cost(std::size_t tall, std::size_t wide, std::size_t lanes);
/// The best height of a grid of `size` points, at least `lanes`; 0 if there is none.
std::size_t fft_grid_height(std::size_t size, std::size_t lanes);

/// Whether n is a product of powers of 2, 3, 5 and 7.
bool is_smooth(std::size_t n) noexcept;

}  // namespace metalaudio::dsp
