#include <metalaudio/dsp/biquad_order.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

namespace metalaudio::dsp {

namespace {

using Levels = std::vector<double>;  ///< logarithms of a gain at each frequency

/// Where sections may peak: at the angles of their poles; and a few more.
std::vector<double> test_angles(std::span<const BiquadCoefficients> sections) {
  std::vector<double> angles;
  for (const BiquadCoefficients& s : sections) {
    if (s.a1 * s.a1 < 4.0 * s.a2) angles.push_back(std::acos(-s.a1 / (2.0 * std::sqrt(s.a2))));
  }
  const double least =
      angles.empty() ? 1e-4 : std::max(1e-6, *std::min_element(angles.begin(), angles.end()) / 4.0);
  constexpr int kMore = 48;
  for (int i = 0; i <= kMore; ++i) {
    angles.push_back(least * std::pow(std::numbers::pi / least, static_cast<double>(i) / kMore));
  }
  return angles;
}

Levels levels_of(const BiquadCoefficients& section, const std::vector<double>& angles) {
  // Zeros on the unit circle: far enough below everything, and finite.
  constexpr double kSilence = 1e-30;
  Levels levels;
  for (const double angle : angles) {
    levels.push_back(
        std::log(std::max(std::abs(response(section, angle, 2.0 * std::numbers::pi)), kSilence)));
  }
  return levels;
}

/// How far the rounding behind the sections so far is raised by those to come, against its size:
/// the loudest frequency so far, and the one that the rest raises most.
double spread(const Levels& so_far, const Levels& next, const Levels& all) {
  double loudest = so_far[0] + next[0];
  double most_raised = all[0] - so_far[0] - next[0];
  for (std::size_t i = 1; i < all.size(); ++i) {
    const double level = so_far[i] + next[i];
    loudest = std::max(loudest, level);
    most_raised = std::max(most_raised, all[i] - level);
  }
  return loudest + most_raised;
}

}  // namespace

void order_sections(std::span<BiquadCoefficients> sections) {
  if (sections.size() < 2) return;
  const std::vector<double> angles = test_angles(sections);
  std::vector<Levels> levels;
  Levels all(angles.size(), 0.0);
  for (const BiquadCoefficients& s : sections) {
    levels.push_back(levels_of(s, angles));
    for (std::size_t i = 0; i < all.size(); ++i) all[i] += levels.back()[i];
  }
  Levels so_far(angles.size(), 0.0);
  for (std::size_t place = 0; place + 1 < sections.size(); ++place) {
    std::size_t best = place;
    double least = spread(so_far, levels[place], all);
    for (std::size_t k = place + 1; k < sections.size(); ++k) {
      const double value = spread(so_far, levels[k], all);
      if (value < least) {
        least = value;
        best = k;
      }
    }
    std::swap(sections[place], sections[best]);
    std::swap(levels[place], levels[best]);
    for (std::size_t i = 0; i < all.size(); ++i) so_far[i] += levels[place][i];
  }
}

}  // namespace metalaudio::dsp
