#include <gtest/gtest.h>
#include <metalaudio/core/thread_pool.h>
#include <metalaudio/nn/cpu/gemm/gemm_fp32.h>
#include <metalaudio/nn/cpu/gemm/gemm_kernels.h>
#include <metalaudio/nn/cpu/steps/conv.h>
#include <metalaudio/nn/cpu/winograd_weights.h>
#include <metalaudio/nn/plan.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "tests/support/simd_targets.h"

namespace metalaudio::nn {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// A convolution of three taps, or three by three, and what it reads.
struct Problem {
  Problem(bool square_, std::int64_t channels_, std::int64_t columns_)
      : square(square_), channels(channels_), columns(columns_) {
    rows = square ? 7 : 1;
    x.resize(static_cast<std::size_t>(rows * positions * channels));
    weight = Tensor(square ? Shape{columns, 3, 3, channels} : Shape{columns, 3, channels});
    bias = Tensor(Shape{columns});
    fill(x);
    fill(weight.values());
    fill(bias.values());
  }

  void fill(std::span<float> values) {
    std::normal_distribution<float> normal;
    for (float& v : values) v = normal(random);
  }
  float& at(std::int64_t row, std::int64_t position, std::int64_t channel) {
    return x[static_cast<std::size_t>((row * positions + position) * channels + channel)];
  }

  /// The sums in double, and with `sizes` those of magnitudes.
  std::vector<double> expected(bool sizes = false) const {
    std::vector<double> y;
    const std::int64_t row_taps = square ? 3 : 1;
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t p = 0; p < positions; ++p) {
        for (std::int64_t n = 0; n < columns; ++n) {
          double sum = bias.data()[n];
          for (std::int64_t tap = 0; tap < row_taps * 3; ++tap) {
            const std::int64_t row = r + tap / 3 - row_taps / 2;
            const std::int64_t position = p + tap % 3 - 1;
            if (row < 0 || row >= rows || position < 0 || position >= positions) continue;
            for (std::int64_t c = 0; c < channels; ++c) {
              const double product =
                  double{x[static_cast<std::size_t>((row * positions + position) * channels + c)]} *
                  weight.data()[(n * row_taps * 3 + tap) * channels + c];
              sum += sizes ? std::fabs(product) : product;
            }
          }
          y.push_back(sum);
        }
      }
    }
    return y;
  }

  std::vector<float> run(ThreadPool* pool = nullptr) const {
    Graph graph;
    const Value in =
        graph.input("x", square ? Shape{rows, positions, channels} : Shape{1, positions, channels});
    const SlidingAxis axis{3, 1, 1, 1, 1};
    Conv conv{{axis}};
    if (square) conv.axes.push_back(axis);
    graph.output(
        "y", graph.apply(conv, {in, graph.constant(Tensor(weight)), graph.constant(Tensor(bias))}));
    PlanOptions options;
    options.pool = pool;
    Plan plan(graph, options);
    std::copy(x.begin(), x.end(), plan.input("x").values_as<float>().begin());
    plan.run();
    const std::span<const float> y = plan.output("y").values_as<float>();
    return {y.begin(), y.end()};
  }

  bool square;
  std::int64_t channels;
  std::int64_t columns;
  std::int64_t rows = 1;
  std::int64_t positions = 75;
  std::vector<float> x;
  Tensor weight;
  Tensor bias;
  std::mt19937 random{5};
};

/// Infinities and NaN where those are, and otherwise as close as float32 takes it.
void expect_same(const std::vector<float>& y, const std::vector<double>& expected, double bound) {
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (std::isnan(expected[i])) {
      ASSERT_TRUE(std::isnan(y[i])) << i;
    } else if (std::isinf(expected[i])) {
      ASSERT_EQ(y[i], expected[i]) << i;
    } else {
      ASSERT_NEAR(y[i], expected[i], bound) << i;
    }
  }
}

TEST(Winograd, InfinitiesAndNaNReachTheResultsOfTheirWindowsOnly) {
  for (const bool square : {false, true}) {
    Problem problem(square, 32, 40);
    problem.at(0, 0, 3) = kNaN;
    problem.at(problem.rows / 2, 20, 5) = kInfinity;
    problem.at(problem.rows / 2, 31, 31) = -kInfinity;
    problem.at(problem.rows - 1, 50, 0) = kInfinity;
    problem.at(problem.rows - 1, 51, 0) = -kInfinity;
    problem.at(problem.rows - 1, 74, 7) = kNaN;
    const std::vector<double> expected = problem.expected();
    for_each_target([&](const char* target) {
      SCOPED_TRACE(target);
      // Sums of 288 products of normal numbers are of the order of 17.
      expect_same(problem.run(), expected, 1e-4);
    });
  }
}

TEST(Winograd, AWeightOfZeroTimesAnInfinityIsNaN) {
  Problem problem(true, 32, 40);
  for (std::int64_t i = 0; i < 9 * 32; i += 3) problem.weight.data()[i] = 0;
  problem.at(3, 20, 6) = kInfinity;
  for_each_target([&](const char* target) {
    SCOPED_TRACE(target);
    expect_same(problem.run(), problem.expected(), 1e-4);
  });
}

/// What is finite tap by tap, but not on the way.
TEST(Winograd, FiniteResultsOfLargeValuesAreFinite) {
  Problem problem(true, 32, 40);
  for (float& v : problem.weight.values()) v *= 1e-3F;
  for (std::int64_t p = 0; p < 8; ++p) problem.at(2, 10 + p, 4) = (p % 3 == 0 ? -1 : 1) * 3e38F;
  for_each_target([&](const char* target) {
    SCOPED_TRACE(target);
    const std::vector<float> y = problem.run();
    const std::vector<double> expected = problem.expected();
    for (std::size_t i = 0; i < y.size(); ++i) {
      // Relative to 3e38 times a weight.
      ASSERT_NEAR(y[i], expected[i], 1e-6 * std::max(std::fabs(expected[i]), 3e35)) << i;
    }
  });
}

/// A tile also reads one value more than a result's window, so that what it errs follows the largest
/// around: 1e-6 of it, times the sum of a kernel's magnitudes.
TEST(Winograd, ErrsByTheLargestValueAround) {
  Problem problem(true, 48, 40);
  for (std::int64_t c = 0; c < 48; ++c) problem.at(3, 40, c) *= 1e6F;
  const std::vector<double> expected = problem.expected();
  const std::vector<double> sizes = problem.expected(true);
  for_each_target([&](const char* target) {
    SCOPED_TRACE(target);
    const std::vector<float> y = problem.run();
    for (std::int64_t r = 0; r < problem.rows; ++r) {
      for (std::int64_t p = 0; p < problem.positions; ++p) {
        const bool near = std::abs(r - 3) <= 2 && std::abs(p - 40) <= 2;
        for (std::int64_t n = 0; n < 40; ++n) {
          const auto i = static_cast<std::size_t>((r * problem.positions + p) * 40 + n);
          ASSERT_NEAR(y[i], expected[i], near ? 1e-6 * 1e6 * 48 : 1e-6 * sizes[i]) << r << ' ' << p;
        }
      }
    }
  });
}

TEST(Winograd, ThreadsChangeNoBit) {
  for (const bool square : {false, true}) {
    const Problem problem(square, 33, 50);
    for_each_target([&](const char* target) {
      SCOPED_TRACE(target);
      const std::vector<float> alone = problem.run();
      for (const std::size_t threads : {2, 5}) {
        ThreadPool pool(threads);
        EXPECT_EQ(problem.run(&pool), alone);
      }
    });
  }
}

/// The kernels by themselves: a plan takes others where the processor has AMX.
TEST(Winograd, TilesEqualTheSumsTapByTap) {
  for_each_target([&](const char* target) {
    SCOPED_TRACE(target);
    for (const bool square : {false, true}) {
      for (const bool glu : {false, true}) {
        const Problem problem(square, 37, 44);
        const cpu::WinogradWeights weights(
            square, {Array<float>(problem.weight.values()), Array<float>(problem.bias.values())},
            glu);
        const std::size_t tiles = cpu::gemm_tile_rows();
        const std::size_t products = square ? 16 : 4;
        const std::size_t width = weights.width();
        const std::size_t stride = tiles * 37;
        std::vector<const float*> windows;
        for (std::size_t i = 0; i < tiles * products; ++i)
          windows.push_back(problem.x.data() + (i * 5 % 70) * 37);
        std::vector<float> inputs(products * stride);
        std::vector<float> sums(products * tiles * width);
        const cpu::WinogradTiles shape{square, tiles};
        cpu::winograd_inputs(shape, windows.data(), 37, inputs.data(), stride);
        std::vector<const float*> table;
        for (std::size_t i = 0; i < products * tiles; ++i) table.push_back(inputs.data() + i * 37);
        const std::size_t row = 2 * width;
        std::vector<float> results(tiles * 4 * width);
        std::vector<float> plain(4 * width);
        for (std::size_t panel = 0; panel < weights.panels(); ++panel) {
          for (std::size_t i = 0; i < products; ++i) {
            weights.multiply(panel, i, table.data() + i * tiles, tiles,
                             sums.data() + i * tiles * width);
          }
          ASSERT_TRUE(cpu::winograd_results(shape, sums.data(), tiles * width, results.data(),
                                            tiles * row));
          for (std::size_t t = 0; t < tiles; ++t) {
            weights.multiply_plainly(panel, windows.data() + t * products, plain.data(), row);
            for (std::size_t r = 0; r < (square ? 2U : 1U); ++r) {
              for (std::size_t i = 0; i < row; ++i) {
                ASSERT_NEAR(results[r * tiles * row + t * row + i], plain[r * row + i], 1e-4)
                    << panel << ' ' << t << ' ' << r << ' ' << i;
              }
            }
          }
        }
      }
    }
  });
}

}  // namespace
}  // namespace metalaudio::nn
