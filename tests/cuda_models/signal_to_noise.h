#pragma once

#include <cmath>
#include <cstddef>
#include <span>

namespace metalaudio::models {

/// In decibels; infinity where both are the same, not a number where one holds any.
inline double signal_to_noise(std::span<const float> actual, std::span<const float> expected) {
  double signal = 0;
  double noise = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double error = static_cast<double>(actual[i]) - expected[i];
    signal += static_cast<double>(expected[i]) * expected[i];
    noise += error * error;
  }
  return 10 * std::log10(signal / noise);
}

}  // namespace metalaudio::models
