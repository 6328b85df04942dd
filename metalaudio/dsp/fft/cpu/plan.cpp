#include <metalaudio/dsp/fft/cpu/plan.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace metalaudio::dsp {

namespace {

/// The first columns of the vectors that cover n columns; the last may overlap the one before.
std::vector<std::uint32_t> vector_starts(std::size_t n, std::size_t lanes) {
  std::vector<std::uint32_t> starts;
  for (std::size_t k = 0; k < n; k += lanes) {
    starts.push_back(static_cast<std::uint32_t>(n < lanes ? 0 : std::min(k, n - lanes)));
  }
  return starts;
}

/// Vectors of exp(-2πi·column·k/size) for k = start, start + 1, …
template <typename T>
T* write_twiddles(const FftRoots& root, std::size_t column, std::size_t start, std::size_t lanes,
                  T* out) {
  for (std::size_t i = 0; i < lanes; ++i) {
    const std::complex<double> w = root(column * (start + i));
    out[i] = static_cast<T>(w.real());
    out[lanes + i] = static_cast<T>(w.imag());
  }
  return out + 2 * lanes;
}

/// What a column transform costs per vector column: about its radices' share of the arithmetic.
double column_cost(std::size_t rows) {
  double cost = 0.0;
  for (const std::size_t radix : fft_radices(rows)) cost += 2.0 + static_cast<double>(radix);
  return cost * static_cast<double>(rows);
}

}  // namespace

std::vector<std::size_t> fft_radices(std::size_t n) {
  std::vector<std::size_t> radices;
  for (const std::size_t odd : {7U, 5U, 3U}) {
    for (; n % odd == 0; n /= odd) radices.push_back(odd);
  }
  if (n == 2) radices.push_back(2);
  // Radix 8 wherever what it leaves is not a lone 2: 16 is 4·4.
  while (n > 2) {
    const std::size_t radix = n % 8 == 0 && n != 16 ? 8 : 4;
    radices.push_back(radix);
    n /= radix;
  }
  return radices;
}

FftRoots::FftRoots(std::size_t n) : n_(n) {
  const auto step = static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(n))));
  const auto root = [n](std::size_t k) {
    const double angle = -2.0 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n);
    return std::complex<double>(std::cos(angle), std::sin(angle));
  };
  for (std::size_t i = 0; i < step; ++i) fine_.push_back(root(i));
  for (std::size_t i = 0; i < n; i += step) coarse_.push_back(root(i));
}

bool is_smooth(std::size_t n) noexcept {
  if (n == 0) return false;
  for (const std::size_t prime : {2U, 3U, 5U, 7U}) {
    while (n % prime == 0) n /= prime;
  }
  return n == 1;
}

std::size_t fft_gap(const std::vector<std::size_t>& radices) {
  std::size_t span = 1;
  for (std::size_t i = 1; i < radices.size(); ++i) span *= radices[i];
  // Rows of 128 bytes or less, in cache ways of 4 KiB.
  return span % 32 == 0 ? 1 : 0;
}

double fft_lanes_cost(std::size_t size, std::size_t lanes) {
  const std::size_t rows = size / lanes;
  const std::size_t groups = (rows + lanes - 1) / lanes;
  const double per_row = lanes >= 16 ? 15.0 : lanes >= 8 ? 11.0 : 8.0;
  return column_cost(rows) + static_cast<double>(groups * lanes) * per_row;
}

double fft_grid_cost(std::size_t tall, std::size_t wide, std::size_t lanes) {
  const std::size_t down = (wide + lanes - 1) / lanes;
  const std::size_t across = (tall + lanes - 1) / lanes;
  // A transposed row costs about 9, and so do the copies at both ends.
  return static_cast<double>(down) * column_cost(tall) +
         static_cast<double>(across) * column_cost(wide) +
         static_cast<double>(down * across * lanes) * 9.0 +
         static_cast<double>(across * wide) * 9.0;
}

std::size_t fft_grid_height(std::size_t size, std::size_t lanes) {
  std::size_t best = 0;
  double least = std::numeric_limits<double>::max();
  for (std::size_t f = 1; f * f <= size; ++f) {
    if (size % f != 0) continue;
    for (const std::size_t tall : {f, size / f}) {
      const double cost = fft_grid_cost(tall, size / tall, lanes);
      if (tall >= lanes && cost < least) least = cost, best = tall;
    }
  }
  return best;
}

template <typename T>
FftColumns<T> make_fft_columns(std::size_t rows) {
  const auto radices = fft_radices(rows);
  return make_fft_columns<T>(radices, fft_gap(radices));
}

template <typename T>
FftColumns<T> make_fft_columns(const std::vector<std::size_t>& radices, std::size_t gap) {
  constexpr std::size_t kWidest = 16;
  FftColumns<T> columns;
  std::size_t rows = 1;
  for (const std::size_t radix : radices) rows *= radix;
  columns.rows = rows;
  columns.gap = gap;
  std::size_t block = rows;
  std::size_t count = 0;
  for (const std::size_t radix : radices) {
    columns.passes.push_back({radix, block / radix, count});
    block /= radix;
    count += 2 * (radix - 1) * block;
  }
  columns.twiddles = Array<T>(count);
  T* out = columns.twiddles.data();
  const FftRoots root(rows);
  for (const FftPass& pass : columns.passes) {
    const std::size_t step = rows / (pass.radix * pass.span);
    for (std::size_t j = 0; j < pass.span; ++j) {
      for (std::size_t s = 1; s < pass.radix; ++s) {
        const std::complex<double> w = root(j * s * step);
        *out++ = static_cast<T>(w.real());
        *out++ = static_cast<T>(w.imag());
      }
    }
  }
  columns.row_of.assign(std::max(rows, kWidest), 0);
  for (std::size_t k = 0; k < rows; ++k) {
    std::size_t rest = k;
    std::size_t row = radices.empty() ? 0 : k % radices[0] * gap;
    for (const FftPass& pass : columns.passes) {
      row += rest % pass.radix * pass.span;
      rest /= pass.radix;
    }
    columns.row_of[k] = static_cast<std::uint32_t>(row);
  }
  return columns;
}

template <typename T>
FftGroups<T> make_fft_groups(std::size_t size, std::size_t rows, std::size_t lanes) {
  FftGroups<T> groups;
  groups.starts = vector_starts(rows, lanes);
  groups.twiddles = Array<T>(groups.starts.size() * (lanes - 1) * 2 * lanes);
  const FftRoots root(size);
  T* out = groups.twiddles.data();
  for (const std::size_t start : groups.starts) {
    for (std::size_t l = 1; l < lanes; ++l) out = write_twiddles(root, l, start, lanes, out);
  }
  return groups;
}

template <typename T>
FftLanes<T> make_fft_lanes(std::size_t size, std::size_t lanes) {
  FftLanes<T> plan;
  plan.size = size;
  plan.lanes = lanes;
  plan.columns = make_fft_columns<T>(size / lanes);
  plan.groups = make_fft_groups<T>(size, size / lanes, lanes);
  return plan;
}

template <typename T>
std::size_t FftGrid<T>::stripe_size() const noexcept {
  return 2 * lanes * std::max(tall.stored_rows(), wide.stored_rows());
}

template <typename T>
std::size_t FftGrid<T>::scratch_size() const noexcept {
  return stripe_size() + 2 * stride * wide_stripes * lanes;
}

template <typename T>
FftGrid<T> make_fft_grid(std::size_t size, std::size_t tall, std::size_t lanes) {
  FftGrid<T> plan;
  plan.size = size;
  plan.lanes = lanes;
  plan.tall = make_fft_columns<T>(tall);
  plan.wide = make_fft_columns<T>(size / tall);
  plan.wide_stripes = (size / tall + lanes - 1) / lanes;
  plan.starts = vector_starts(tall, lanes);
  plan.stride = plan.starts.size() * lanes;
  plan.twiddles = Array<T>(plan.wide_stripes * plan.starts.size() * 2 * lanes * lanes);
  const FftRoots root(size);
  T* out = plan.twiddles.data();
  for (std::size_t stripe = 0; stripe < plan.wide_stripes; ++stripe) {
    for (const std::size_t start : plan.starts) {
      for (std::size_t l = 0; l < lanes; ++l) {
        out = write_twiddles(root, stripe * lanes + l, start, lanes, out);
      }
    }
  }
  return plan;
}

template struct FftGrid<float>;
template struct FftGrid<double>;
template FftColumns<float> make_fft_columns(std::size_t);
template FftColumns<double> make_fft_columns(std::size_t);
template FftColumns<float> make_fft_columns(const std::vector<std::size_t>&, std::size_t);
template FftColumns<double> make_fft_columns(const std::vector<std::size_t>&, std::size_t);
template FftGroups<float> make_fft_groups(std::size_t, std::size_t, std::size_t);
template FftGroups<double> make_fft_groups(std::size_t, std::size_t, std::size_t);
template FftLanes<float> make_fft_lanes(std::size_t, std::size_t);
template FftLanes<double> make_fft_lanes(std::size_t, std::size_t);
template FftGrid<float> make_fft_grid(std::size_t, std::size_t, std::size_t);
template FftGrid<double> make_fft_grid(std::size_t, std::size_t, std::size_t);

}  // namespace metalaudio::dsp
