#include <gtest/gtest.h>
#include <metalaudio/nn/plan.h>

#include <chrono>
#include <cmath>
#include <random>

#include "tests/support/simd_targets.h"

namespace metalaudio::nn {
namespace {

const Shape kShape{2, 3001, 24};

Plan plan_of(MomentsAlgorithm algorithm, std::int64_t groups, const Shape& shape = kShape) {
  Graph graph;
  const Value x = graph.input("x", shape);
  graph.output("y", graph.apply(GroupNorm{groups, 1, 1e-5F, algorithm}, {x}));
  return {graph, {}};
}

void fill(Plan& plan, double mean, double deviation) {
  std::mt19937 generator(3);
  std::normal_distribution<double> normal(mean, deviation);
  for (float& v : plan.input("x").values_as<float>()) v = static_cast<float>(normal(generator));
}

/// The largest error against double.
double worst_error(Plan& plan, std::int64_t groups) {
  const std::span<const float> shared = plan.input("x").values_as<float>();
  const std::vector<float> x(shared.begin(), shared.end());
  plan.run();
  const std::span<const float> y = plan.output("y").values_as<float>();
  const auto channels = static_cast<std::size_t>(kShape[2]);
  const std::size_t group = channels / static_cast<std::size_t>(groups);
  const std::size_t item = x.size() / static_cast<std::size_t>(kShape[0]);
  double worst = 0;
  for (std::size_t first = 0; first < x.size(); first += item) {
    for (std::size_t g = 0; g < channels; g += group) {
      const auto each = [&](auto&& body) {
        for (std::size_t i = first; i < first + item; i += channels) {
          for (std::size_t c = g; c < g + group; ++c) body(i + c);
        }
      };
      const double count = static_cast<double>(item / channels * group);
      double sum = 0;
      double squares = 0;
      each([&](std::size_t i) { sum += x[i]; });
      each([&](std::size_t i) { squares += (x[i] - sum / count) * (x[i] - sum / count); });
      const double factor = 1 / std::sqrt(squares / count + 1e-5F);
      each([&](std::size_t i) {
        const double error = std::abs(y[i] - (x[i] - sum / count) * factor);
        worst = std::isnan(error) ? INFINITY : std::max(worst, error);
      });
    }
  }
  return worst;
}

struct Bound {
  MomentsAlgorithm algorithm;
  double error;  ///< the original's, on N(0, 1) and N(100, 1)
};

class GroupNormMoments : public ::testing::TestWithParam<Bound> {};

TEST_P(GroupNormMoments, AreAsExactAsTheOriginals) {
  for_each_target([](const char* target) {
    SCOPED_TRACE(target);
    for (const std::int64_t groups : {1, 4, 8, 24}) {
      Plan plan = plan_of(GetParam().algorithm, groups);
      for (const double mean : {0.0, 100.0}) {
        fill(plan, mean, 1);
        EXPECT_LE(worst_error(plan, groups), GetParam().error)
            << groups << " groups, mean " << mean;
      }
    }
  });
}

/// A float32 of 1e4 resolves 1e-3, a tenth of the deviation; the result is scaled by 100, and its
/// shift of 1e6 is rounded to a sixteenth. That error is the same for all values of a group.
TEST_P(GroupNormMoments, StayFiniteFarFromZero) {
  Plan plan = plan_of(GetParam().algorithm, 4);
  fill(plan, 1e4, 1e-2);
  EXPECT_LE(worst_error(plan, 4), 0.1);
}

TEST_P(GroupNormMoments, OfConstantsAreZero) {
  for (const std::int64_t groups : {1, 4, 24}) {
    Plan plan = plan_of(GetParam().algorithm, groups);
    for (const double value : {0.0, 3.7, -1e4, 1e30}) {
      fill(plan, value, 0);
      plan.run();
      for (const float y : plan.output("y").values_as<float>())
        ASSERT_FALSE(std::isnan(y)) << value;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Algorithms, GroupNormMoments,
                         ::testing::Values(Bound{MomentsAlgorithm::standard, 5e-4},
                                           Bound{MomentsAlgorithm::kahan, 2e-4},
                                           Bound{MomentsAlgorithm::welford, 5e-5}));

}  // namespace
}  // namespace metalaudio::nn
