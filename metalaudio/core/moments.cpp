#include <metalaudio/core/moments.h>

#include <cmath>

namespace metalaudio {

void Moments::merge(const Moments& other) noexcept {
  if (other.count == 0) return;
  const double total = count + other.count;
  const double delta = other.mean - mean;
  mean += delta * other.count / total;
  squares += other.squares + delta * delta * count * other.count / total;
  count = total;
}

double Moments::deviation() const noexcept { return std::sqrt(squares / (count - 1)); }

double Moments::inverse_deviation(double epsilon) const noexcept {
  return 1.0 / std::sqrt(squares / count + epsilon);
}

}  // namespace metalaudio
