#include <gtest/gtest.h>
#include <metalaudio/core/array.h>
#include <metalaudio/nn/cpu/attention/attention_lanes.h>
#include <metalaudio/nn/plan.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "tests/support/simd_targets.h"

namespace metalaudio::nn {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Sizes {
  std::int64_t queries;
  std::int64_t keys;
  std::int64_t depth;
  std::int64_t width;
};

struct Case {
  Sizes sizes;
  std::vector<float> q;
  std::vector<float> k;
  std::vector<float> v;
};

std::vector<float> run(const Case& c, Precision precision, ThreadPool* pool = nullptr) {
  Graph graph;
  const Value q = graph.input("q", {1, c.sizes.queries, c.sizes.depth});
  const Value k = graph.input("k", {1, c.sizes.keys, c.sizes.depth});
  const Value v = graph.input("v", {1, c.sizes.keys, c.sizes.width});
  graph.output("y", graph.apply(Attention{}, {q, k, v}));
  PlanOptions options;
  options.precision = precision;
  options.pool = pool;
  Plan plan(graph, options);
  const auto write = [&](const char* name, const std::vector<float>& values) {
    std::ranges::copy(values, plan.input(name).values_as<float>().begin());
  };
  write("q", c.q);
  write("k", c.k);
  write("v", c.v);
  plan.run();
  const auto y = plan.output("y").values_as<float>();
  return {y.begin(), y.end()};
}

std::vector<double> expected(const Case& c) {
  std::vector<double> y;
  const auto depth = static_cast<std::size_t>(c.sizes.depth);
  const auto width = static_cast<std::size_t>(c.sizes.width);
  for (std::size_t q = 0; q < c.q.size(); q += depth) {
    std::vector<double> scores;
    for (std::size_t k = 0; k < c.k.size(); k += depth) {
      double sum = 0;
      for (std::size_t d = 0; d < depth; ++d) sum += double{c.q[q + d]} * double{c.k[k + d]};
      scores.push_back(sum / std::sqrt(static_cast<double>(depth)));
    }
    const double top = *std::ranges::max_element(scores);
    double weight = 0;
    std::vector<double> sums(width);
    for (std::size_t k = 0; k < scores.size(); ++k) {
      const double w = std::exp(scores[k] - top);
      weight += w;
      for (std::size_t i = 0; i < width; ++i) sums[i] += w * double{c.v[k * width + i]};
    }
    for (const double sum : sums) y.push_back(sum / weight);
  }
  return y;
}

/// The greatest score of a query comes late, and is far above the first ones.
Case random_case(const Sizes& sizes) {
  std::mt19937 generator(3);
  std::normal_distribution<float> normal;
  Case c{sizes, {}, {}, {}};
  for (std::int64_t i = 0; i < sizes.queries * sizes.depth; ++i) c.q.push_back(normal(generator));
  for (std::int64_t i = 0; i < sizes.keys * sizes.depth; ++i) {
    const auto key = static_cast<float>(i / sizes.depth);
    c.k.push_back(normal(generator) * (1 + 3 * key / static_cast<float>(sizes.keys)));
  }
  for (std::int64_t i = 0; i < sizes.keys * sizes.width; ++i) {
    c.v.push_back(normal(generator) + 0.2F);
  }
  return c;
}

double snr_db(const std::vector<float>& y, const std::vector<double>& exact) {
  double error = 0;
  double power = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    error += (exact[i] - double{y[i]}) * (exact[i] - double{y[i]});
    power += exact[i] * exact[i];
  }
  return 10 * std::log10(power / error);
}

template <typename Body>
void for_each_precision(Body&& body) {
  // float32 has 24 bits, two bfloat16 have 16, one has 8: 6 dB each, less what a softmax of scores
  // of some units enlarges.
  const std::pair<Precision, double> precisions[] = {
      {Precision::fp32, 115}, {Precision::automatic, 85}, {Precision::bf16, 33}};
  for_each_target([&](const char* target) {
    SCOPED_TRACE(target);
    for (const auto& [precision, bound] : precisions) {
      SCOPED_TRACE(to_string(precision));
      body(precision, bound);
    }
  });
}

TEST(Attention, IsExactOverManyKeysWhoseScoresRise) {
  for (const Sizes& sizes : {Sizes{1, 1, 48, 48}, Sizes{17, 17, 16, 16}, Sizes{70, 600, 48, 48},
                             Sizes{3, 1025, 5, 100}, Sizes{130, 63, 65, 33}}) {
    SCOPED_TRACE(testing::PrintToString(sizes.keys));
    const Case c = random_case(sizes);
    const std::vector<double> exact = expected(c);
    for_each_precision([&](Precision precision, double bound) {
      EXPECT_GT(snr_db(run(c, precision), exact), bound);
    });
  }
}

/// A key of each query, the first or a later one, outweighs the others by so many times e^10.
TEST(Attention, FindsTheKeyThatOutweighsAllOthers) {
  for (const float far : {5.0F, 50.0F, 1e6F}) {
    for (const std::size_t key : {std::size_t{0}, std::size_t{33}, std::size_t{99}}) {
      SCOPED_TRACE(testing::Message() << far << " at " << key);
      Case c{{40, 100, 16, 16}, std::vector<float>(40 * 16, 1), {}, {}};
      for (std::size_t i = 0; i < 100 * 16; ++i) {
        c.k.push_back(i / 16 == key ? 2.5F * far : -2.5F * far);
        c.v.push_back(static_cast<float>(i / 16));
      }
      // What the others add is at most e^-87, below which a float is zero.
      for_each_precision([&](Precision precision, double) {
        for (const float y : run(c, precision)) EXPECT_NEAR(y, static_cast<float>(key), 1e-6F);
      });
    }
  }
}

TEST(Attention, WeighsScoresFarBelowZero) {
  Case c = random_case({40, 70, 16, 16});
  for (std::size_t q = 0; q < 16; ++q) c.q[q] = 1;
  for (std::size_t i = 0; i < c.k.size(); ++i) c.k[i] = i % 16 == 0 ? -1e4F : c.k[i] / 8;
  const std::vector<double> exact = expected(c);
  // Scores of thousands put their rounding into the exponent: 10 bits are 60 dB at most, here half.
  for_each_precision([&](Precision precision, double bound) {
    const double db = snr_db(run(c, precision), exact);
    EXPECT_GT(db, precision == Precision::bf16 ? 20 : bound - 40) << to_string(precision);
  });
}

TEST(Attention, MakesNanOfAKeyThatIsNan) {
  for (const std::size_t key : {std::size_t{1}, std::size_t{68}, std::size_t{139}}) {
    Case c = random_case({33, 70, 16, 16});
    c.k[key / 2 * 16 + 3] = key % 2 == 0 ? kNan : -kNan;
    for_each_precision([&](Precision precision, double) {
      for (const float y : run(c, precision)) EXPECT_TRUE(std::isnan(y));
    });
  }
}

TEST(Attention, DoesNotDependOnThreads) {
  ThreadPool pool(3);
  const Case c = random_case({200, 700, 48, 48});
  for_each_precision(
      [&](Precision precision, double) { EXPECT_EQ(run(c, precision), run(c, precision, &pool)); });
}

/// Queries of ones and scores of zero, so that every precision is exact.
Case plain_case() {
  return {{2, 4, 2, 2}, {1, 1, 1, 1}, std::vector<float>(8), {1, 2, 3, 4, 5, 6, 7, 8}};
}

TEST(Attention, GivesNoWeightToAKeyOfMinusInfinity) {
  Case c = plain_case();
  c.k[2] = -kInf;
  c.k[6] = -kInf;
  for_each_precision([&](Precision precision, double) {
    EXPECT_EQ(run(c, precision), (std::vector<float>{3, 4, 3, 4}));
  });
}

TEST(Attention, KeepsAnInfiniteValueInItsChannel) {
  Case c = plain_case();
  c.v[3] = kInf;
  for_each_precision([&](Precision precision, double) {
    EXPECT_EQ(run(c, precision), (std::vector<float>{4, kInf, 4, kInf}));
  });
}

TEST(Attention, MakesNanOfARowAlone) {
  for (const float bad : {kNan, kInf}) {
    Case c = plain_case();
    c.k = {1, 1, 1, 1, 1, 1, 1, 1};
    c.q[0] = bad;
    for_each_precision([&](Precision precision, double) {
      const std::vector<float> y = run(c, precision);
      EXPECT_TRUE(std::isnan(y[0]) && std::isnan(y[1]));
      EXPECT_EQ(y[2], 4);
      EXPECT_EQ(y[3], 5);
    });
  }
}

TEST(Attention, MakesNanOfScoresThatAreAllMinusInfinity) {
  Case c = plain_case();
  c.k.assign(8, -kInf);
  for_each_precision([&](Precision precision, double) {
    for (const float y : run(c, precision)) EXPECT_TRUE(std::isnan(y));
  });
}

/// A processor with AMX plans tiles instead, so that its vectors of AVX-512 are reached here alone.
std::vector<float> run_in_lanes(const Case& c) {
  const auto size = [](std::int64_t n) { return static_cast<std::size_t>(n); };
  const cpu::AttentionLanes lanes(0, {size(c.sizes.keys), size(c.sizes.depth), size(c.sizes.width),
                                      1 / std::sqrt(static_cast<float>(c.sizes.depth))});
  Array<std::byte> packed(lanes.packed_bytes());
  Array<float> scratch(lanes.scratch_floats());
  for (std::size_t block = 0; block * lanes.kPackedKeys < size(c.sizes.keys); ++block) {
    EXPECT_FALSE(
        lanes.pack({c.k.data(), c.sizes.depth}, {c.v.data(), c.sizes.width}, block, packed.data()));
  }
  std::vector<float> y(size(c.sizes.queries * c.sizes.width), -1);
  for (std::size_t first = 0; first < size(c.sizes.queries); first += lanes.kQueries) {
    lanes.attend({c.q.data() + first * size(c.sizes.depth), c.sizes.depth},
                 std::min(lanes.kQueries, size(c.sizes.queries) - first), packed.data(),
                 scratch.data(), y.data() + first * size(c.sizes.width), c.sizes.width);
  }
  return y;
}

TEST(AttentionLanes, AreExactForAnySizesOnEveryInstructionSet) {
  for (const Sizes& sizes :
       {Sizes{1, 1, 1, 1}, Sizes{8, 7, 48, 48}, Sizes{31, 48, 3, 5}, Sizes{32, 97, 64, 64},
        Sizes{70, 600, 49, 23}, Sizes{33, 1025, 130, 11}}) {
    const Case c = random_case(sizes);
    const std::vector<double> exact = expected(c);
    for_each_target([&](const char* target) {
      // As for a plan in float32.
      EXPECT_GT(snr_db(run_in_lanes(c), exact), 115) << target << ", keys " << sizes.keys;
    });
  }
}

TEST(AttentionLanes, MakeNanOfScoresThatAllOverflow) {
  Case c = random_case({33, 100, 4, 4});
  c.q.assign(c.q.size(), 1e30F);
  c.k.assign(c.k.size(), -1e30F);
  for_each_target([&](const char* target) {
    for (const float y : run_in_lanes(c)) EXPECT_TRUE(std::isnan(y)) << target;
    // One that does not takes all the weight.
    Case one = c;
    std::fill_n(one.k.begin() + 60 * 4, 4, 0.0F);
    const std::vector<float> y = run_in_lanes(one);
    for (std::size_t i = 0; i < y.size(); ++i) EXPECT_EQ(y[i], one.v[60 * 4 + i % 4]) << target;
  });
}

TEST(Attention, TakesANegativeScale) {
  const Case c = random_case({5, 40, 8, 8});
  Case opposite = c;
  for (float& q : opposite.q) q = -q;
  for_each_target([&](const char* target) {
    SCOPED_TRACE(target);
    Graph graph;
    const Value q = graph.input("q", {1, 5, 8});
    const Value k = graph.input("k", {1, 40, 8});
    const Value v = graph.input("v", {1, 40, 8});
    graph.output("y", graph.apply(Attention{.scale = -30 / std::sqrt(8.0F)}, {q, k, v}));
    Plan plan(graph, {});
    std::ranges::copy(c.q, plan.input("q").values_as<float>().begin());
    std::ranges::copy(c.k, plan.input("k").values_as<float>().begin());
    std::ranges::copy(c.v, plan.input("v").values_as<float>().begin());
    plan.run();
    Case scaled = opposite;
    for (float& value : scaled.q) value *= 30;
    const auto y = plan.output("y").values_as<float>();
    // Scores of hundreds put their rounding into the exponent.
    EXPECT_GT(snr_db({y.begin(), y.end()}, expected(scaled)), 90);
  });
}

}  // namespace
}  // namespace metalaudio::nn
