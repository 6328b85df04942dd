#include <metalaudio/nn/cpu/gemm/gemm_kernels.h>
#include <metalaudio/nn/cpu/steps/conv.h>
#include <metalaudio/nn/cpu/winograd_weights.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace metalaudio::nn::cpu {

namespace {

constexpr std::size_t kTaps = 3;
constexpr std::size_t kPlaces = 4;  ///< that two results read, and products of them

/// u of three taps, each `step` behind the one before, and back.
std::array<double, kPlaces> transformed(const double* g, std::size_t step) {
  const double ends = g[0] + g[2 * step];
  return {g[0], (ends + g[step]) / 2, (ends - g[step]) / 2, g[2 * step]};
}
std::array<double, kTaps> taken_back(const double* u, std::size_t step) {
  return {u[0], u[step] - u[2 * step], u[3 * step]};
}

}  // namespace

WinogradWeights::WinogradWeights(bool square, const ConvConstants& constants, bool glu)
    : square_(square), width_(gemm_panel_width()), panel_columns_(glu ? width_ / 2 : width_) {
  const std::size_t columns = constants.bias.size();
  const std::size_t result = glu ? columns / 2 : columns;
  const std::size_t taps = square ? kTaps * kTaps : kTaps;
  channels_ = constants.weight.size() / (columns * taps);
  panels_ = (result + panel_columns_ - 1) / panel_columns_;
  weights_ = Array<float>(panels_ * products() * channels_ * width_);
  bias_ = Array<float>((panels_ + 1) * width_);
  for (std::size_t i = 0; i < panels_ * width_; ++i) {
    const std::size_t panel = i / width_;
    const std::size_t lane = i % width_;
    const bool gate = lane >= panel_columns_;
    const std::size_t column = panel * panel_columns_ + lane - (gate ? panel_columns_ : 0);
    if (column >= result) continue;
    const std::size_t source = column + (gate ? result : 0);
    bias_[i] = constants.bias[source];
    pack(constants.weight.data() + source * taps * channels_,
         weights_.data() + panel * products() * channels_ * width_ + lane);
  }
}

/// A column from [row tap][tap][channel].
void WinogradWeights::pack(const float* from, float* to) const {
  const std::size_t row_taps = square_ ? kTaps : 1;
  std::array<double, kTaps * kTaps> g{};
  std::array<double, kPlaces * kTaps> rows{};
  for (std::size_t c = 0; c < channels_; ++c) {
    for (std::size_t i = 0; i < row_taps * kTaps; ++i) g[i] = from[i * channels_ + c];
    for (std::size_t tap = 0; tap < kTaps; ++tap) {
      const auto u = transformed(g.data() + tap, kTaps);
      for (std::size_t row = 0; row < kPlaces; ++row) rows[row * kTaps + tap] = u[row];
    }
    for (std::size_t product = 0; product < products(); product += kPlaces) {
      const auto u = transformed((square_ ? rows.data() : g.data()) + product / kPlaces * kTaps, 1);
      for (std::size_t i = 0; i < kPlaces; ++i) {
        to[((product + i) * channels_ + c) * width_] = static_cast<float>(u[i]);
      }
    }
  }
}

void WinogradWeights::multiply(std::size_t panel, std::size_t product, const float* const* table,
                               std::size_t rows, float* to) const noexcept {
  const GemmOutput output{to, static_cast<std::ptrdiff_t>(width_)};
  const std::size_t weight_row = 0;
  // What is added to the middle product is added to all results.
  const bool middle = product == (square_ ? kPlaces + 1 : 1);
  gemm_multiply({table, &weight_row, 1, channels_, rows,
                 weights_.data() + (panel * products() + product) * channels_ * width_, 1, 0,
                 width_, bias_.data() + (middle ? panel : panels_) * width_, false, &output});
}

void WinogradWeights::multiply_plainly(std::size_t panel, const float* const* window, float* to,
                                       std::size_t row) const noexcept {
  constexpr double kLost = 0x1p-22;
  const std::size_t rows = square_ ? 2 : 1;
  const std::size_t row_taps = square_ ? kTaps : 1;
  const float* const weights = weights_.data() + panel * products() * channels_ * width_;
  // Of what reads a NaN nothing else is asked, since all of a signal may be.
  std::array<double, 4> start{};
  for (std::size_t i = 0; i < rows * 2; ++i) {
    for (std::size_t k = 0; k < row_taps * kTaps; ++k) {
      const float* x = window[(i / 2 + k / kTaps) * kPlaces + i % 2 + k % kTaps];
      if (std::any_of(x, x + channels_, [](float v) { return std::isnan(v); }))
        start[i] = std::numeric_limits<double>::quiet_NaN();
    }
  }
  const bool hopeless =
      std::all_of(start.begin(), start.begin() + static_cast<std::ptrdiff_t>(rows * 2),
                  [](double v) { return std::isnan(v); });
  for (std::size_t lane = 0; lane < width_; ++lane) {
    std::array<double, 4> sums = start;
    for (double& sum : sums) sum += bias_[panel * width_ + lane];
    for (std::size_t c = 0; c < channels_ && !hopeless; ++c) {
      std::array<double, kPlaces * kPlaces> u{};
      double largest = 0;
      for (std::size_t i = 0; i < products(); ++i) {
        u[i] = weights[(i * channels_ + c) * width_ + lane];
        largest = std::max(largest, std::fabs(u[i]));
      }
      std::array<double, kTaps * kPlaces> across{};  // [row tap][place]
      for (std::size_t place = 0; place < kPlaces; ++place) {
        const auto g = taken_back(u.data() + place, kPlaces);
        for (std::size_t r = 0; r < row_taps; ++r)
          across[r * kPlaces + place] = square_ ? g[r] : u[place];
      }
      for (std::size_t r = 0; r < row_taps; ++r) {
        const auto g = taken_back(across.data() + r * kPlaces, 1);
        for (std::size_t tap = 0; tap < kTaps; ++tap) {
          const double weight = std::fabs(g[tap]) > kLost * largest ? g[tap] : 0;
          for (std::size_t i = 0; i < rows * 2; ++i)
            sums[i] += weight * window[(i / 2 + r) * kPlaces + i % 2 + tap][c];
        }
      }
    }
    for (std::size_t i = 0; i < rows * 2; ++i)
      to[i / 2 * row + i % 2 * width_ + lane] = static_cast<float>(sums[i]);
  }
}

}  // namespace metalaudio::nn::cpu
