#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <vector>

namespace metalaudio::dsp {

/// A sine of amplitude 1, `delay` samples late.
inline std::vector<float> sine(double cycles_per_sample, std::size_t size, double delay = 0.0) {
  std::vector<float> x(size);
  for (std::size_t i = 0; i < size; ++i) {
    // Whole cycles are taken off first: a float's worth of phase is then exact at any time.
    const double cycles = cycles_per_sample * (static_cast<double>(i) - delay);
    x[i] = static_cast<float>(std::sin(2.0 * std::numbers::pi * (cycles - std::floor(cycles))));
  }
  return x;
}

inline double rms(std::span<const float> x) {
  double sum = 0.0;
  for (const float v : x) sum += double{v} * double{v};
  return std::sqrt(sum / static_cast<double>(x.size()));
}

inline double decibels(double ratio) { return 20.0 * std::log10(std::max(ratio, 1e-15)); }

/// The second half of the difference, relative to a full-scale sine, in dB.
inline double deviation_db(std::span<const float> got, std::span<const float> expected) {
  std::vector<float> difference;
  for (std::size_t i = got.size() / 2; i < got.size(); ++i) {
    difference.push_back(got[i] - expected[i]);
  }
  return decibels(rms(difference) * std::numbers::sqrt2);
}

}  // namespace metalaudio::dsp
