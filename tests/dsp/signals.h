#pragma once

#include <cmath>
#include <complex>
#include <cstddef>
#include <random>
#include <span>
#include <vector>

namespace metalaudio::dsp {

/// Normal noise of deviation 1, the same on every machine for one seed.
template <typename T = float>
std::vector<T> noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<T> x(size);
  for (T& v : x) {
    // A sum of uniform numbers: std::normal_distribution differs among libraries.
    double sum = -6.0;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(random()) / 4294967296.0;
    v = static_cast<T>(sum);
  }
  return x;
}

/// The deviation of `got` from `expected`, as a root mean square relative to expected's.
template <typename A, typename B>
double relative_error(const A& got, const B& expected) {
  double error = 0.0;
  double power = 0.0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const auto e = std::complex<double>(expected[i]);
    error += std::norm(std::complex<double>(got[i]) - e);
    power += std::norm(e);
  }
  return power > 0.0 ? std::sqrt(error / power) : std::sqrt(error);
}

}  // namespace metalaudio::dsp
