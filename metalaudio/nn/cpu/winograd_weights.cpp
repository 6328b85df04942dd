#include <metalaudio/nn/cpu/gemm/gemm_kernels.h>
#include <metalaudio/nn/cpu/winograd_weights.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace metalaudio::nn::cpu {

namespace {

constexpr std::size_t kMostTaps = 3;
constexpr std::size_t kPlaces = 4;  ///< that results read together, and products of them

/// u of two or three taps, each `step` behind the one before, and back.
std::array<double, kPlaces> transformed(std::size_t taps, const double* g, std::size_t step) {
  const double last = g[(taps - 1) * step];
  const double even = taps == 3 ? g[0] + last : g[0];
  const double odd = g[step];
  return {g[0], (even + odd) / 2, (even - odd) / 2, last};
}
std::array<double, kMostTaps> taken_back(std::size_t taps, const double* u, std::size_t step) {
  if (taps == 2) return {u[0], u[3 * step], 0};
  return {u[0], u[step] - u[2 * step], u[3 * step]};
}

}  // namespace

WinogradWeights::WinogradWeights(const WinogradForm& form, std::span<const float> weight,
                                 std::span<const float> bias, bool glu)
    : form_(form), width_(gemm_panel_width()), panel_columns_(glu ? width_ / 2 : width_) {
  const std::size_t result = glu ? bias.size() / 2 : bias.size();
  const std::size_t taps = form.along_both() ? form.taps * form.taps : form.taps;
  depth_ = weight.size() / (bias.size() * taps);
  panels_ = (result + panel_columns_ - 1) / panel_columns_;
  weights_ = Array<float>(panels_ * form.products() * depth_ * width_);
  bias_ = Array<float>((panels_ + 1) * width_);
  for (std::size_t i = 0; i < panels_ * width_; ++i) {
    const std::size_t panel = i / width_;
    const std::size_t lane = i % width_;
    const bool gate = lane >= panel_columns_;
    const std::size_t column = panel * panel_columns_ + lane - (gate ? panel_columns_ : 0);
    if (column >= result) continue;
    const std::size_t source = column + (gate ? result : 0);
    bias_[i] = bias[source];
    pack(weight.data() + source * taps * depth_,
         weights_.data() + panel * form.products() * depth_ * width_ + lane);
  }
}

/// A column from [row tap][tap][depth].
void WinogradWeights::pack(const float* from, float* to) const {
  const bool both = form_.along_both();
  std::array<double, kMostTaps * kMostTaps> g{};
  std::array<double, kPlaces * kMostTaps> rows{};
  for (std::size_t k = 0; k < depth_; ++k) {
    for (std::size_t i = 0; i < form_.taps * (both ? form_.taps : 1); ++i)
      g[i] = from[i * depth_ + k];
    for (std::size_t tap = 0; tap < kMostTaps && both; ++tap) {
      const auto u = transformed(kMostTaps, g.data() + tap, kMostTaps);
      for (std::size_t row = 0; row < kPlaces; ++row) rows[row * kMostTaps + tap] = u[row];
    }
    for (std::size_t product = 0; product < form_.products(); product += kPlaces) {
      const double* const row = both ? rows.data() + product / kPlaces * kMostTaps : g.data();
      const auto u = transformed(form_.taps, row, 1);
      for (std::size_t i = 0; i < kPlaces; ++i)
        to[((product + i) * depth_ + k) * width_] = static_cast<float>(u[i]);
    }
  }
}

void WinogradWeights::multiply(std::size_t panel, std::size_t product, const float* const* table,
                               std::size_t rows, float* to) const noexcept {
  const GemmOutput output{to, static_cast<std::ptrdiff_t>(width_)};
  const std::size_t weight_row = 0;
  // What is added to the middle product is added to all results.
  const bool middle = product == (form_.along_both() ? kPlaces + 1 : 1);
  gemm_multiply({table, &weight_row, 1, depth_, rows,
                 weights_.data() + (panel * form_.products() + product) * depth_ * width_, 1, 0,
                 width_, bias_.data() + (middle ? panel : panels_) * width_, false, &output});
}

void WinogradWeights::multiply_plainly(std::size_t panel, std::span<const float* const> window,
                                       float* to, std::size_t row) const noexcept {
  constexpr double kLost = 0x1p-22;
  const bool both = form_.along_both();
  const std::size_t products = form_.products();
  const std::size_t taps = form_.taps;
  const std::size_t row_taps = both ? taps : 1;
  const std::size_t pieces = window.size() / products;
  const std::size_t channels = depth_ / pieces;
  const float* const weights = weights_.data() + panel * products * depth_ * width_;
  const std::size_t across = both ? 2 : 5 - taps;  // results along the last axis
  const std::size_t results = both ? 4 : across;
  const auto place = [&](std::size_t result, std::size_t row_tap, std::size_t tap) {
    return (result / across + row_tap) * kPlaces + result % across + tap;
  };
  // Of what reads a NaN nothing else is asked, since all of a signal may be.
  std::array<double, 4> start{};
  for (std::size_t i = 0; i < results * pieces * row_taps * taps; ++i) {
    const std::size_t k = i % (row_taps * taps);
    const std::size_t piece = i / (row_taps * taps) % pieces;
    const std::size_t result = i / (row_taps * taps * pieces);
    const float* const x = window[piece * products + place(result, k / taps, k % taps)];
    if (std::any_of(x, x + channels, [](float v) { return std::isnan(v); }))
      start[result] = std::numeric_limits<double>::quiet_NaN();
  }
  const bool hopeless =
      std::all_of(start.begin(), start.begin() + results, [](double v) { return std::isnan(v); });
  for (std::size_t lane = 0; lane < width_; ++lane) {
    std::array<double, 4> sums = start;
    for (double& sum : sums) sum += bias_[panel * width_ + lane];
    for (std::size_t k = 0; k < depth_ && !hopeless; ++k) {
      std::array<double, kPlaces * kPlaces> u{};
      double largest = 0;
      for (std::size_t i = 0; i < products; ++i) {
        u[i] = weights[(i * depth_ + k) * width_ + lane];
        largest = std::max(largest, std::fabs(u[i]));
      }
      std::array<double, kMostTaps * kPlaces> rows{};  // [row tap][product]
      for (std::size_t i = 0; i < kPlaces; ++i) {
        const auto g = taken_back(taps, u.data() + i, kPlaces);
        for (std::size_t r = 0; r < row_taps; ++r) rows[r * kPlaces + i] = both ? g[r] : u[i];
      }
      for (std::size_t r = 0; r < row_taps; ++r) {
        const auto g = taken_back(taps, rows.data() + r * kPlaces, 1);
        for (std::size_t tap = 0; tap < taps; ++tap) {
          const double weight = std::fabs(g[tap]) > kLost * largest ? g[tap] : 0;
          for (std::size_t i = 0; i < results; ++i)
            sums[i] += weight * window[k / channels * products + place(i, r, tap)][k % channels];
        }
      }
    }
    for (std::size_t i = 0; i < results; ++i) {
      const std::size_t at = both                    ? i / 2 * row + i % 2 * width_
                             : form_.along_positions ? i * width_
                                                     : i * row;
      to[at + lane] = static_cast<float>(sums[i]);
    }
  }
}

}  // namespace metalaudio::nn::cpu
