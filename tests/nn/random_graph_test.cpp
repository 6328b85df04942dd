#include <gtest/gtest.h>
#include <metalaudio/nn/plan.h>

#include <cmath>

#include "tests/nn/graphs.h"
#include "tests/parity/reference.h"
#include "tests/support/fake_backend.h"

namespace metalaudio::nn {
namespace {

/// Writes chains of layers with residuals, values used twice and outputs in the middle.
class RandomGraph {
 public:
  explicit RandomGraph(unsigned seed) : generator_(seed) {
    values_.push_back(input({below(3) + 1, below(9) + 4, 2 * (below(4) + 1)}));
    const std::int64_t length = 4 + below(12);
    for (std::int64_t i = 0; i < length; ++i) {
      const Value made =
          layer(values_[values_.size() - 1 -
                        size_t(below(std::min<std::int64_t>(std::ssize(values_), 2)))]);
      if (graph.shape(made).size() > 6000 || graph.shape(made).rank() != 3) continue;
      values_.push_back(made);
      if (below(6) == 0) graph.output("middle" + std::to_string(i), made);
    }
    graph.output("y", values_.back());
  }

  Graph graph;

 private:
  std::int64_t below(std::int64_t limit) {
    return static_cast<std::int64_t>(generator_() % static_cast<std::uint64_t>(limit));
  }
  bool chance() { return below(2) == 0; }
  Value input(const Shape& shape) {
    return graph.input("x" + std::to_string(graph.inputs().size()), shape);
  }
  Value random(const Shape& shape) {
    return random_constant(graph, shape, 0.4F, static_cast<unsigned>(below(1000)));
  }
  /// Mostly constant; otherwise it comes with every run.
  Value operand(const Shape& shape) { return below(4) == 0 ? input(shape) : random(shape); }

  Value conv(Value x) {
    const Shape s = graph.shape(x);
    const std::int64_t out = chance() ? s.back() : 2 * (below(4) + 1);
    std::vector<SlidingAxis> axes;
    std::vector<std::int64_t> weight{out};
    for (std::int64_t n = below(3); n > 0; --n) {
      const std::int64_t dilation = below(3) + 1;
      axes.push_back(chance() ? SlidingAxis{}
                              : SlidingAxis{3, below(2) + 1, dilation, dilation, dilation});
      weight.push_back(axes.back().kernel);
    }
    weight.push_back(s.back());
    return graph.apply(Conv{axes}, {x, random(Shape(weight)), chance() ? random({out}) : Value{}});
  }
  Value conv_transpose(Value x) {
    const Shape s = graph.shape(x);
    const std::int64_t out = 2 * (below(4) + 1);
    return graph.apply(ConvTranspose{{{4, 2, 1, 2 * s[1]}}},
                       {x, random({out, 4, s.back()}), random({out})});
  }
  Value activation(Value x) {
    using F = UnaryFunction;
    const F functions[] = {F::gelu, F::relu,      F::tanh,   F::sigmoid,
                           F::silu, F::gelu_tanh, F::negate, F::elu};
    if (chance() && graph.shape(x).back() % 2 == 0) return graph.apply(Glu{}, {x});
    return graph.apply(Unary{functions[below(8)], 0.5}, {x});
  }
  Value norm(Value x) {
    const std::int64_t channels = graph.shape(x).back();
    if (below(3) == 0)
      return graph.apply(LayerNorm{}, {x, operand({channels}), random({channels})});
    GroupNorm norm{channels % 2 == 0 && chance() ? 2 : 1, static_cast<std::size_t>(1 + below(2))};
    norm.epsilon = 0.1F;
    return graph.apply(norm, {x, operand({channels}), chance() ? operand({channels}) : Value{}});
  }
  /// One factor per channel, per row, for all or for each, on either side.
  Value gain(Value x) {
    const Shape s = graph.shape(x);
    const Shape shapes[] = {{s[2]}, {1, 1, s[2]}, {1, 1, s[2]}, {s[0], 1, 1}, {1}, s};
    const Value factor = operand(shapes[below(6)]);
    return chance() ? multiply(graph, x, factor) : multiply(graph, factor, x);
  }
  /// An earlier value of the same shape, or one that is repeated.
  Value residual(Value x) {
    const Shape s = graph.shape(x);
    for (const Value earlier : values_) {
      if (chance() && graph.shape(earlier) == s) {
        return chance() ? add(graph, x, earlier) : add(graph, earlier, x);
      }
    }
    const Shape shapes[] = {{s[0], 1, s[2]}, {1, s[1], s[2]}, {1, 1, s[2]}, {s[0], s[1], 1}, s};
    return add(graph, x, operand(shapes[below(5)]));
  }
  Value transpose(Value x) {
    std::vector<std::size_t> order{0, 1, 2};
    std::shuffle(order.begin(), order.end(), generator_);
    return graph.apply(Transpose{order}, {x});
  }
  Value slice(Value x) {
    Slice slice;
    std::vector<std::int64_t> extents;
    for (const std::int64_t extent : graph.shape(x).extents()) {
      slice.starts.push_back(below(std::min<std::int64_t>(extent, 2)));
      extents.push_back(extent - slice.starts.back());
    }
    slice.shape = Shape(extents);
    return graph.apply(slice, {x});
  }
  Value pad(Value x) {
    return graph.apply(
        Pad{{0, below(3), below(2)}, {below(2), below(3), 0}, PadMode::constant, 0.5}, {x});
  }
  Value concat(Value x) {
    const Shape s = graph.shape(x);
    return graph.apply(Concat{below(3)}, {chance() ? x : operand(s), x, operand(s)});
  }
  Value attention(Value x) {
    const Shape s = graph.shape(x);
    const Value keys = chance() ? x : operand({s[0], 5, s[2]});
    return graph.apply(Attention{.heads = s[2] % 2 == 0 ? 2 : 1, .axis = 1}, {x, keys, keys});
  }
  Value reshaped(Value x) {
    const Shape s = graph.shape(x);
    return chance() ? reshape(graph, x, {s[1], s[0], s[2]})
                    : reshape(graph, x, {1, s[0] * s[1], s[2]});
  }
  Value layer(Value x) {
    switch (below(16)) {
      case 0:
      case 1:
      case 2:
        return conv(x);
      case 3:
        return conv_transpose(x);
      case 4:
      case 5:
        return activation(x);
      case 6:
        return norm(x);
      case 7:
        return gain(x);
      case 8:
      case 9:
        return residual(x);
      case 10:
        return transpose(x);
      case 11:
        return slice(x);
      case 12:
        return chance() ? pad(x) : concat(x);
      case 13:
        return chance() ? attention(x) : graph.apply(Softmax{below(3)}, {x});
      case 14:
        return dconv(graph, x, 2 + below(3), operand({1, 1, graph.shape(x).back()}));
      default:
        return reshaped(x);
    }
  }

  std::mt19937 generator_;
  std::vector<Value> values_;
};

double normalised_error(std::span<const float> a, const std::vector<Number>& b) {
  Number error = 0;
  Number power = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    error += (a[i] - b[i]) * (a[i] - b[i]);
    power += std::max<Number>(b[i] * b[i], 1e-3L);
  }
  return static_cast<double>(error == 0 ? 0 : error / power);
}

/// Compiles a graph in every way and compares with the reference; gives the steps of the fused
/// plan.
std::size_t expect_all_alike(const Graph& graph) {
  std::map<std::string, ReferenceValue> inputs;
  std::map<std::string, ReferenceValue> expected;
  ThreadPool pool(2);
  std::size_t steps = 0;  // of the fused plan
  for (const char* way : {"fused", "unfused", "unsimplified", "neither", "threads", "side by side",
                          "unfused side by side"}) {
    SCOPED_TRACE(way);
    const std::string_view name = way;
    PlanOptions options;
    options.fuse = !name.starts_with("unfused") && name != "neither";
    options.simplify = name != "unsimplified" && name != "neither";
    options.pool = name == "threads" ? &pool : nullptr;
    if (name.ends_with("side by side")) {
      options.backends = {std::make_shared<FakeBackend>(FakeBackendOptions{.side_by_side = true})};
    }
    Plan plan(graph, options);
    if (name == "fused") steps = plan.statistics().steps;
    if (name == "unfused") {
      EXPECT_GE(plan.statistics().steps, steps);
    }
    for (const auto& [port, value] : graph.inputs()) {
      fill(plan, port, static_cast<unsigned>(value.index));
      inputs[port] = reference_value(plan.input(port));
    }
    if (expected.empty()) expected = ReferencePlan(graph).run(inputs);
    plan.run();
    for (const auto& [port, value] : expected) {
      // Some ten layers, each of which may enlarge what the one before it rounded.
      EXPECT_LT(normalised_error(plan.output(port).values_as<float>(), value.values), 1e-9) << port;
    }
  }
  return steps;
}

class RandomGraphs : public ::testing::TestWithParam<unsigned> {};

TEST_P(RandomGraphs, FusedUnfusedUnsimplifiedAndReferenceAgree) {
  std::size_t steps = 0;
  std::size_t operations = 0;
  for (unsigned seed = 0; seed < 50 && !HasFailure(); ++seed) {
    SCOPED_TRACE(GetParam() * 50 + seed);
    const RandomGraph random(GetParam() * 50 + seed);
    operations += random.graph.nodes().size();
    steps += expect_all_alike(random.graph);
  }
  // Or nothing of this would be a test of fusion.
  EXPECT_LT(steps, operations * 3 / 4);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomGraphs, ::testing::Range(0U, 8U));

TEST(DConv, RunsFusedWhereItsGainIsConstantAndUnfusedWhereNot) {
  Graph fused;
  Value x = fused.input("x", {3, 40, 6});
  fused.output("y", dconv(fused, x, 4, random_constant(fused, {6})));
  EXPECT_EQ(expect_all_alike(fused), 1U);

  Graph unfused;
  x = unfused.input("x", {3, 40, 6});
  unfused.output("y", dconv(unfused, x, 4, unfused.input("gain", {6})));
  EXPECT_GT(expect_all_alike(unfused), 1U);
}

/// Threads share the positions of few rows and take the rows of many whole.
TEST(DConv, OfManyPositionsIsTheSameOnAnyNumberOfThreads) {
  for (const std::int64_t channels : {16, 48, 384}) {
    Graph graph;
    Value x = graph.input("x", {1, channels == 384 ? 200 : 1600, channels});
    for (int layer = 0; layer < 3; ++layer) {
      x = dconv(graph, x, channels / 8, random_constant(graph, {channels}));
    }
    graph.output("y", x);
    if (channels != 48) {
      EXPECT_EQ(expect_all_alike(graph), 1U);
    }
    for (const Precision precision : {Precision::fp32, Precision::automatic, Precision::bf16}) {
      std::vector<float> alone;
      for (const std::size_t threads : {1U, 2U, 3U, 16U}) {
        ThreadPool pool(threads);
        Plan plan(graph, {.precision = precision, .pool = threads > 1 ? &pool : nullptr});
        fill(plan, "x");
        plan.run();
        if (alone.empty()) alone = output(plan);
        EXPECT_TRUE(output(plan) == alone) << channels << " channels, " << threads << " threads";
      }
    }
  }
}

TEST(DConv, RunsUnfusedWhereItsInputIsRepeatedToItsResult) {
  Graph graph;
  const Value x = graph.input("x", {3, 40, 1});
  const auto norm = [&](Value y) {
    const std::int64_t c = graph.shape(y).back();
    return graph.apply(GroupNorm{1, 1},
                       {y, random_constant(graph, {c}), random_constant(graph, {c})});
  };
  const Value hidden =
      gelu(graph, norm(graph.apply(Conv{{{3, 1, 1, 1, 1}}}, {x, random_constant(graph, {4, 3, 1}),
                                                             random_constant(graph, {4})})));
  const Value gated = graph.apply(Glu{}, {norm(pointwise(graph, hidden, 10))});
  graph.output("y", add(graph, multiply(graph, gated, random_constant(graph, {5})), x));
  EXPECT_GT(expect_all_alike(graph), 1U);
}

/// A step that packs some of its constants must still be given the others.
TEST(Constants, AreReadAsAnyInputOfAnOperation) {
  Graph graph;
  const Value x = graph.input("x", {1, 6, 8});
  const Value k = random_constant(graph, {1, 5, 8});
  graph.output("queries",
               graph.apply(Attention{.heads = 2}, {random_constant(graph, {1, 3, 8}), x, x}));
  graph.output("keys", graph.apply(Attention{.heads = 2}, {x, k, random_constant(graph, {1, 5, 8}),
                                                           random_constant(graph, {6, 5})}));
  graph.output("left",
               graph.apply(Binary{BinaryFunction::subtract}, {random_constant(graph, {8}), x}));
  graph.output("joined", graph.apply(Concat{1}, {k, x, k}));
  graph.output("product", graph.apply(MatMul{}, {random_constant(graph, {4, 6}), x}));
  const Value h = random_constant(graph, {1, 1, 3});
  graph.output("lstm", lstm(graph, x, 3, h, random_constant(graph, {1, 1, 3})));
  graph.output("rotary", graph.apply(Rotary{.heads = 2}, {x, random_constant(graph, {2})}));
  graph.output("norm", graph.apply(RmsNorm{}, {x, random_constant(graph, {8})}));
  expect_all_alike(graph);
}

}  // namespace
}  // namespace metalaudio::nn
