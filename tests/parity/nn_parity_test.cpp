#include <gtest/gtest.h>
#include <metalaudio/nn/plan.h>

#include <cmath>
#include <functional>
#include <random>

#include "tests/parity/reference.h"
#include "tests/support/simd_targets.h"

namespace metalaudio::nn {
namespace {

/// Writes a graph's input, weights and output with numbers that repeat from run to run.
class Maker {
 public:
  Value input(const Shape& shape) { return graph.input("x", shape); }
  Value random(const Shape& shape, float scale = 1.0F, float offset = 0.0F) {
    Tensor tensor(shape);
    std::normal_distribution<float> normal(offset, scale);
    for (float& v : tensor.values()) v = normal(generator);
    return graph.constant(std::move(tensor));
  }
  Value conv(Value x, std::int64_t out, const ConvAttributes& attributes) {
    const std::int64_t in = graph.shape(x).back();
    const std::int64_t taps = attributes.rows.kernel * attributes.positions.kernel;
    const float scale = 1.0F / std::sqrt(static_cast<float>(in * taps));
    return graph.conv(x,
                      random({out, attributes.rows.kernel, attributes.positions.kernel, in}, scale),
                      random({out}), attributes);
  }
  Value norm(Value x, const GroupNormAttributes& attributes) {
    const std::int64_t channels = graph.shape(x).back();
    return graph.group_norm(x, random({channels}, 0.2F, 1.0F), random({channels}), attributes);
  }

  Graph graph;
  std::mt19937 generator{7};
};

struct Case {
  std::string name;
  std::size_t steps;  ///< that fusion leaves
  std::function<void(Maker&)> make;
};

void finish(Maker& m, Value value) { m.graph.output("y", value); }

void dconv_layer(Maker& m, Value x, std::int64_t hidden, std::int64_t dilation) {
  const std::int64_t channels = m.graph.shape(x).back();
  Value y = m.conv(x, hidden, {{}, {3, 1, dilation, dilation, dilation}});
  y = m.graph.activation(m.norm(y, {1, true}), Activation::gelu);
  y = m.graph.activation(m.norm(m.conv(y, 2 * channels, {}), {1, true}), Activation::glu);
  finish(m, m.graph.add(x, m.graph.multiply(y, m.random({1, 1, channels}, 0.3F))));
}

std::vector<Case> cases() {
  std::vector<Case> all = {
      {"conv_pointwise", 1,
       [](Maker& m) {
         finish(m, m.conv(m.input({3, 101, 7}), 5, {}));
       }},
      {"conv_3x3", 1,
       [](Maker& m) {
         finish(m, m.conv(m.input({5, 110, 6}), 37, {{3, 1, 1, 1, 1}, {3, 1, 1, 1, 1}}));
       }},
      {"conv_strided_rows", 1,
       [](Maker& m) {
         finish(m, m.conv(m.input({32, 29, 4}), 9, {{8, 4, 1, 2, 2}, {}}));
       }},
      {"conv_strided_positions_uneven", 1,
       [](Maker& m) {
         finish(m, m.conv(m.input({1, 1003, 2}), 12, {{}, {8, 4, 1, 2, 3}}));
       }},
      {"conv_dilated", 1,
       [](Maker& m) {
         finish(m, m.conv(m.input({2, 50, 8}), 3, {{}, {3, 1, 7, 7, 7}}));
       }},
      {"conv_no_padding", 1,
       [](Maker& m) {
         finish(m, m.conv(m.input({8, 20, 3}), 33, {{8, 4, 1, 0, 0}, {}}));
       }},
      {"conv_gelu", 1,
       [](Maker& m) {
         finish(m, m.graph.activation(m.conv(m.input({2, 40, 8}), 20, {}), Activation::gelu));
       }},
      {"conv_glu_residual", 1,
       [](Maker& m) {
         const Value x = m.input({2, 40, 11});
         finish(m, m.graph.add(m.graph.activation(m.conv(x, 22, {}), Activation::glu), x));
       }},
      {"conv_glu_repeated_row", 1,
       [](Maker& m) {
         const Value y = m.graph.activation(m.conv(m.input({4, 21, 6}), 26, {{3, 1, 1, 1, 1}, {}}),
                                            Activation::glu);
         finish(m, m.graph.add(y, m.random({4, 1, 13})));
       }},
      {"conv_gain_residual", 1,
       [](Maker& m) {
         const Value x = m.input({1, 77, 24});
         const Value y = m.graph.multiply(m.conv(x, 24, {}), m.random({1, 1, 24}));
         finish(m, m.graph.add(x, y));
       }},
      {"conv_then_value_used_twice", 3,
       [](Maker& m) {
         const Value y = m.conv(m.input({1, 30, 4}), 8, {});
         finish(m, m.graph.add(m.graph.activation(y, Activation::relu), y));
       }},
      {"conv_whose_value_is_an_output", 2,
       [](Maker& m) {
         const Value y = m.conv(m.input({1, 30, 4}), 8, {});
         m.graph.output("before", y);
         finish(m, m.graph.activation(y, Activation::tanh));
       }},
      {"conv_plus_conv", 3,
       [](Maker& m) {
         const Value x = m.input({2, 30, 4});
         finish(m, m.graph.activation(m.graph.add(m.conv(x, 8, {}), m.conv(x, 8, {})),
                                      Activation::sigmoid));
       }},
      {"conv_transpose_rows", 1,
       [](Maker& m) {
         const Value x = m.input({6, 33, 5});
         const Value y = m.graph.conv_transpose(x, m.random({9, 8, 1, 5}, 0.2F), m.random({9}),
                                                {{8, 4, 2, 24}, {1, 1, 0, 33}});
         finish(m, m.graph.activation(y, Activation::gelu));
       }},
      {"conv_transpose_positions_cropped", 1,
       [](Maker& m) {
         const Value x = m.input({1, 501, 6});
         finish(m, m.graph.conv_transpose(x, m.random({4, 1, 8, 6}, 0.2F), m.random({4}),
                                          {{1, 1, 0, 1}, {8, 4, 2, 1999}}));
       }},
      {"conv_transpose_gaps_and_residual", 1,
       [](Maker& m) {
         const Value x = m.input({2, 10, 6});
         const Value y = m.graph.conv_transpose(x, m.random({3, 1, 2, 6}), m.random({3}),
                                                {{1, 1, 0, 2}, {2, 3, 0, 29}});
         finish(m, m.graph.add(y, m.random({1, 29, 3})));
       }},
      {"dconv_rows", 1,
       [](Maker& m) {
         dconv_layer(m, m.input({9, 130, 12}), 3, 2);
       }},
      {"dconv_one_row", 1,
       [](Maker& m) {
         dconv_layer(m, m.input({1, 700, 10}), 5, 1);
       }},
      {"group_norm", 1,
       [](Maker& m) {
         finish(m, m.norm(m.input({3, 70, 12}), {4, false, 1e-5F}));
       }},
      {"group_norm_rows_glu", 1,
       [](Maker& m) {
         const Value y = m.norm(m.input({3, 70, 18}), {1, true, 1e-5F});
         finish(m, m.graph.activation(y, Activation::glu));
       }},
      {"layer_norm", 1,
       [](Maker& m) {
         finish(m, m.graph.layer_norm(m.input({2, 50, 19}), m.random({19}), m.random({19})));
       }},
      {"attention", 1,
       [](Maker& m) {
         const Value q = m.input({1, 61, 24});
         finish(m, m.graph.attention(q, m.random({1, 83, 24}), m.random({1, 83, 24}), 2));
       }},
      {"glu_alone", 2,
       [](Maker& m) {
         const Value x = m.input({2, 120, 14});
         finish(m, m.graph.activation(m.graph.add(x, x), Activation::glu));
       }},
      {"multiply_repeated", 1,
       [](Maker& m) {
         finish(m, m.graph.multiply(m.input({3, 9, 21}), m.random({1, 9, 21})));
       }},
      {"slice", 1,
       [](Maker& m) {
         finish(m, m.graph.slice(m.input({5, 20, 4}), 1, 3, {3, 11, 4}));
       }},
  };
  return all;
}

/// Σ (a - b)² / Σ b², the measure of the design.
double normalised_error(std::span<const float> a, const std::vector<double>& b) {
  double error = 0;
  double power = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    error += (a[i] - b[i]) * (a[i] - b[i]);
    power += b[i] * b[i];
  }
  return error / power;
}

class NnParity : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override { GetParam().make(maker_); }

  /// The worst error of all outputs; poison in the arena shows what a kernel did not write.
  double run(const PlanOptions& options) {
    Plan plan(maker_.graph, options);
    steps_ = plan.statistics().steps;
    const std::span<float> x = plan.input("x");
    std::mt19937 generator(3);
    std::normal_distribution<float> normal(0.2F, 1.0F);
    std::map<std::string, std::vector<double>> inputs;
    std::vector<float> samples(x.size());
    for (float& v : samples) v = normal(generator);
    inputs["x"].assign(samples.begin(), samples.end());
    std::copy(samples.begin(), samples.end(), x.begin());
    plan.run();
    // Once more over what the first run left in the memory that the steps share.
    std::copy(samples.begin(), samples.end(), x.begin());
    plan.run();
    double worst = 0;
    for (const auto& [name, expected] : run_reference(maker_.graph, inputs)) {
      worst = std::max(worst, normalised_error(plan.output(name), expected));
    }
    return worst;
  }

  Maker maker_;
  std::size_t steps_ = 0;
};

/// Float32 sums of up to a few thousand products: 1e-7 is the design's bound, and 1e-12 the order
/// of what is reached.
constexpr double kFloatBound = 1e-11;
/// Both factors are rounded to 8 bits: 2^-9 each, relative, uniformly distributed.
constexpr double kBf16Bound = 3e-5;

TEST_P(NnParity, EqualsTheReferenceOnEveryInstructionSet) {
  for_each_target([this](const char* target) {
    EXPECT_LT(run({}), kFloatBound) << target;
    EXPECT_EQ(steps_, GetParam().steps);
  });
}

TEST_P(NnParity, EqualsTheReferenceOnThreads) {
  ThreadPool pool(3);
  EXPECT_LT(run({Precision::fp32, &pool}), kFloatBound);
}

TEST_P(NnParity, StaysCloseInBf16) { EXPECT_LT(run({Precision::bf16, nullptr}), kBf16Bound); }

INSTANTIATE_TEST_SUITE_P(Cpu, NnParity, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace metalaudio::nn
