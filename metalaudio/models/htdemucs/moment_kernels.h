#pragma once

#include <cstddef>

namespace metalaudio::models {

/// Of distances of values to a pivot.
struct DistanceSums {
  double distances = 0;
  double squares = 0;
};
DistanceSums sums_of_distances(const float* values, std::size_t count, double pivot) noexcept;

}  // namespace metalaudio::models
