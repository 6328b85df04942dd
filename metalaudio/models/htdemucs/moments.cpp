#include <metalaudio/models/htdemucs/moments.h>

#include <cmath>
#include <cstddef>

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

/// Of distances to the first value, so that a constant has none; in lanes, which are vectors.
Moments moments_of(std::span<const float> values) noexcept {
  constexpr std::size_t kLanes = 8;
  if (values.empty()) return {};
  const double pivot = values[0];
  double sums[kLanes] = {};
  double squares[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const double distance = static_cast<double>(values[i + lane]) - pivot;
      sums[lane] += distance;
      squares[lane] += distance * distance;
    }
  }
  for (; i < values.size(); ++i) {
    const double distance = static_cast<double>(values[i]) - pivot;
    sums[0] += distance;
    squares[0] += distance * distance;
  }
  for (std::size_t lane = 1; lane < kLanes; ++lane) {
    sums[0] += sums[lane];
    squares[0] += squares[lane];
  }
  const auto count = static_cast<double>(values.size());
  return {count, pivot + sums[0] / count, squares[0] - sums[0] * sums[0] / count};
}

}  // namespace metalaudio::models
