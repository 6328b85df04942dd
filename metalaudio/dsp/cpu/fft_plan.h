#pragma once

#include <metalaudio/dsp/aligned_array.h>

#include <complex>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace metalaudio::dsp {

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

/// In place of a step: the whole transform.
inline constexpr std::size_t kFftWhole = static_cast<std::size_t>(-1);

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
  std::vector<FftPass> passes;
  AlignedArray<T> twiddles;           ///< re, im, re, im, …
  std::vector<std::uint32_t> row_of;  ///< padded with row 0 to one full vector
};

template <typename T>
FftColumns<T> make_fft_columns(std::size_t rows);

/// A complex transform of rows · lanes points: columns first, then one transform of `lanes` points
/// across the lanes, for as many outputs at a time as there are lanes.
template <typename T>
struct FftLanes {
  std::size_t size = 0;
  std::size_t lanes = 0;
  FftColumns<T> columns;
  std::vector<std::uint32_t> group_starts;  ///< the first output of each group of `lanes`
  AlignedArray<T> twiddles;                 ///< [group][lane 1…][re, im][lanes]
  /// Of the first and the last pass, when the transform is done in steps; 0 where it is too short.
  std::size_t slices = 0;
  std::size_t steps() const noexcept {
    return slices == 0 ? 1 : 2 * slices + columns.passes[0].radix;
  }
  std::size_t scratch_size() const noexcept { return 2 * size; }
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
  AlignedArray<T> twiddles;           ///< [stripe][start][lane][re, im][lanes]
  std::size_t stripe_size() const noexcept;
  std::size_t scratch_size() const noexcept;
};

template <typename T>
FftGrid<T> make_fft_grid(std::size_t size, std::size_t tall, std::size_t lanes);

/// What a plan costs, in vector operations, to choose among them.
double fft_lanes_cost(std::size_t size, std::size_t lanes);
double fft_grid_cost(std::size_t tall, std::size_t wide, std::size_t lanes);
/// The best height of a grid of `size` points, at least `lanes`; 0 if there is none.
std::size_t fft_grid_height(std::size_t size, std::size_t lanes);

/// Whether n is a product of powers of 2, 3, 5 and 7.
bool is_smooth(std::size_t n) noexcept;

}  // namespace metalaudio::dsp
