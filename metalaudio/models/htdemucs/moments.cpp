#include <metalaudio/models/htdemucs/moment_kernels.h>
#include <metalaudio/models/htdemucs/moments.h>

#include <algorithm>
#include <cmath>

namespace metalaudio::models {

void Moments::merge(const Moments& other) noexcept {
  if (other.count == 0) return;
  const double all = count + other.count;
  const double distance = other.mean - mean;
  mean += distance * other.count / all;
  squares += other.squares + distance * distance * count * other.count / all;
  count = all;
}

double Moments::deviation() const noexcept { return std::sqrt(squares / (count - 1)); }

/// Of distances to the first value, so that a constant has none.
Moments moments_of(std::span<const float> values) noexcept {
  if (values.empty()) return {};
  const double pivot = values[0];
  const DistanceSums sums = sums_of_distances(values.data(), values.size(), pivot);
  const auto count = static_cast<double>(values.size());
  const double mean = sums.distances / count;
  return {count, pivot + mean, std::max(sums.squares - sums.distances * mean, 0.0)};
}

}  // namespace metalaudio::models
