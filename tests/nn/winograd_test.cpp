#include <gtest/gtest.h>
#include <metalaudio/core/thread_pool.h>
#include <metalaudio/nn/cpu/gemm/gemm_fp32.h>
#include <metalaudio/nn/cpu/gemm/gemm_kernels.h>
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
    Problem problem(square, 48, 40);
    problem.at(0, 0, 3) = kNaN;
    problem.at(problem.rows / 2, 20, 5) = kInfinity;
    problem.at(problem.rows / 2, 31, 31) = -kInfinity;
    problem.at(problem.rows - 1, 50, 0) = kInfinity;
    problem.at(problem.rows - 1, 51, 0) = -kInfinity;
    problem.at(problem.rows - 1, 74, 7) = kNaN;
    const std::vector<double> expected = problem.expected();
    for_each_target([&](const char* target) {
      SCOPED_TRACE(target);
      // Sums of 432 products of normal numbers are of the order of 21.
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

/// Weights that are not finite, or whose sums of three are not, take no filtering.
TEST(Winograd, WeightsThatHaveNoTransformGoTapByTap) {
  for (const bool square : {false, true}) {
    const std::int64_t taps = square ? 9 : 3;
    for (const float weight : {kNaN, kInfinity, -kInfinity}) {
      Problem problem(square, 32, 40);
      problem.weight.data()[17 * taps * 32 + 40] = weight;
      for_each_target([&](const char* target) {
        SCOPED_TRACE(target);
        const std::vector<float> y = problem.run();
        const std::vector<double> expected = problem.expected();
        for (std::size_t i = 0; i < y.size(); ++i) {
          ASSERT_EQ(std::isfinite(y[i]), std::isfinite(expected[i])) << i;
          // Sums of 288 products of normal numbers are of the order of 17.
          if (std::isfinite(expected[i])) {
            ASSERT_NEAR(y[i], expected[i], 1e-4) << i;
          }
        }
      });
    }
    Problem problem(square, 32, 40);
    for (float& w : problem.weight.values()) w = w < 0 ? -3e38F : 3e38F;
    for (float& x : problem.x) x *= 1e-5F;
    for_each_target([&](const char* target) {
      SCOPED_TRACE(target);
      // Sums of the order of 5e34, of factors of two bf16 with AMX.
      expect_same(problem.run(), problem.expected(), 1e30);
    });
  }
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
    const Problem problem(square, 49, 50);
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

/// A kernel of twice its stride over an axis with padding or crop 2 and one NaN at 33 of it.
TEST(Winograd, NaNReachesTheResultsOfTwoStridesOnly) {
  constexpr std::int64_t kStride = 4;
  constexpr std::int64_t kExtent = 96;
  for (const bool transposed : {false, true}) {
    for (const bool along_rows : {false, true}) {
      Graph graph;
      const Shape shape = along_rows ? Shape{kExtent, 64, 48} : Shape{2, 4 * kExtent, 48};
      const std::int64_t slides = shape[along_rows ? 0 : 1];
      const Value x = graph.input("x", shape);
      const std::int64_t kernel = 2 * kStride;
      Tensor weight(along_rows ? Shape{32, kernel, 1, 48} : Shape{32, 1, kernel, 48});
      std::fill(weight.values().begin(), weight.values().end(), 0.1F);
      const Value w = graph.constant(std::move(weight));
      if (transposed) {
        const TransposeAxis axis{kernel, kStride, 2, kStride * slides};
        const TransposeAxis still{1, 1, 0, shape[along_rows ? 1 : 0]};
        const auto axes = along_rows ? std::vector{axis, still} : std::vector{still, axis};
        graph.output("y", graph.apply(ConvTranspose{axes}, {x, w, {}}));
      } else {
        const SlidingAxis axis{kernel, kStride, 1, 2, 2};
        const auto axes = along_rows ? std::vector{axis, {}} : std::vector{SlidingAxis{}, axis};
        graph.output("y", graph.apply(Conv{axes}, {x, w, {}}));
      }
      for_each_target([&](const char* target) {
        SCOPED_TRACE(target);
        Plan plan(graph, {});
        const std::span<float> input = plan.input("x").values_as<float>();
        std::fill(input.begin(), input.end(), 1.0F);
        const std::int64_t lines = shape[1];
        input[static_cast<std::size_t>((along_rows ? 33 * lines + 5 : lines + 33) * 48 + 7)] = kNaN;
        plan.run();
        const ConstTensorView y = plan.output("y");
        for (std::int64_t i = 0; i < y.shape().size(); i += 32) {
          const std::int64_t row = i / 32 / y.shape()[1];
          const std::int64_t position = i / 32 % y.shape()[1];
          const std::int64_t at = along_rows ? row : position;
          const std::int64_t start = transposed ? kStride * 33 - 2 : kStride * at - 2;
          const std::int64_t met = transposed ? at : 33;
          const bool reached =
              (along_rows ? position == 5 : row == 1) && met >= start && met < start + kernel;
          ASSERT_EQ(std::isnan(y.data_as<float>()[i]), reached) << row << ' ' << position;
        }
      });
    }
  }
}

/// The kernels by themselves: a plan takes others where the processor has AMX.
TEST(Winograd, TilesEqualTheSumsTapByTap) {
  constexpr std::size_t kChannels = 37;
  constexpr std::size_t kColumns = 44;
  std::mt19937 random(5);
  const auto normal = [&](std::size_t size) {
    std::normal_distribution<float> distribution;
    std::vector<float> values(size);
    for (float& v : values) v = distribution(random);
    return values;
  };
  const std::vector<float> x = normal(70 * kChannels);
  const std::vector<float> bias = normal(kColumns);
  for (const cpu::WinogradForm form : {cpu::WinogradForm{3, true, true},
                                       {3, false, true},
                                       {3, true, false},
                                       {2, false, true},
                                       {2, true, false}}) {
    for (const std::size_t pieces : {1U, 3U}) {
      const std::size_t depth = pieces * kChannels;
      const std::vector<float> weight =
          normal(kColumns * form.taps * (form.along_both() ? form.taps : 1) * depth);
      for_each_target([&](const char* target) {
        SCOPED_TRACE(target);
        for (const bool glu : {false, true}) {
          const cpu::WinogradWeights weights(form, weight, bias, glu);
          const std::size_t tiles = cpu::gemm_tile_rows();
          const std::size_t products = form.products();
          const std::size_t width = weights.width();
          std::vector<const float*> windows;
          for (std::size_t i = 0; i < tiles * products * pieces; ++i)
            windows.push_back(x.data() + i * 5 % 70 * kChannels);
          std::vector<float> inputs(products * tiles * depth);
          std::vector<float> sums(products * tiles * width);
          cpu::winograd_inputs(form, {windows.data(), tiles, pieces, kChannels}, inputs.data(),
                               tiles * depth);
          std::vector<const float*> table;
          for (std::size_t i = 0; i < products * tiles; ++i)
            table.push_back(inputs.data() + i * depth);
          const std::size_t of_tile = form.result_positions() * width;
          const std::size_t row = tiles * of_tile;
          std::vector<float> results(form.result_rows() * row);
          std::vector<float> plain(4 * width);
          for (std::size_t panel = 0; panel < weights.panels(); ++panel) {
            for (std::size_t i = 0; i < products; ++i) {
              weights.multiply(panel, i, table.data() + i * tiles, tiles,
                               sums.data() + i * tiles * width);
            }
            ASSERT_TRUE(cpu::winograd_results(form, tiles, sums.data(), tiles * width,
                                              results.data(), row));
            for (std::size_t t = 0; t < tiles; ++t) {
              weights.multiply_plainly(
                  panel, std::span(windows).subspan(t * products * pieces, products * pieces),
                  plain.data(), of_tile);
              for (std::size_t i = 0; i < form.result_rows() * of_tile; ++i) {
                const float result = results[i / of_tile * row + t * of_tile + i % of_tile];
                // Sums of up to 999 products of normal numbers are of the order of 32.
                ASSERT_NEAR(result, plain[i], 2e-4) << panel << ' ' << t << ' ' << i;
              }
            }
          }
        }
      });
    }
  }
}

}  // namespace
}  // namespace metalaudio::nn
