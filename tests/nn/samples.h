#pragma once

#include <metalaudio/core/moments.h>

#include <cstddef>
#include <random>
#include <vector>

namespace metalaudio::nn {

inline std::vector<float> noise(std::size_t size, float scale, float offset = 0.0F) {
  std::mt19937 generator(11);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  std::vector<float> x(size);
  for (float& value : x) value = offset + scale * normal(generator);
  return x;
}

/// Moments of what the floats are, in long double.
inline Moments exact_moments(const std::vector<float>& x) {
  long double sum = 0;
  for (const float value : x) sum += value;
  const long double mean = sum / static_cast<long double>(x.size());
  long double squares = 0;
  for (const float value : x) squares += (value - mean) * (value - mean);
  return {static_cast<double>(x.size()), static_cast<double>(mean), static_cast<double>(squares)};
}

}  // namespace metalaudio::nn
