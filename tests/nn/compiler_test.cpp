#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/nn/compiler/arena.h>
#include <metalaudio/nn/compiler/narrow_values.h>
#include <metalaudio/nn/compiler/place_nodes.h>
#include <metalaudio/nn/compiler/simplify.h>
#include <metalaudio/nn/cpu_backend.h>
#include <metalaudio/nn/plan.h>

#include <algorithm>

#include "tests/nn/graphs.h"
#include "tests/parity/reference.h"
#include "tests/support/fake_backend.h"

namespace metalaudio::nn {
namespace {

template <typename Operation>
std::ptrdiff_t count(const Graph& graph) {
  return std::count_if(graph.nodes().begin(), graph.nodes().end(), [](const Node& node) {
    return std::holds_alternative<Operation>(node.operation);
  });
}

Graph simplified(const Graph& graph) {
  return fold_constants(cancel_transposes(fold_constants(graph)));
}

/// As an importer of a channels-first network writes it: a transpose before each layer and one
/// behind.
class ChannelsFirst {
 public:
  explicit ChannelsFirst(Graph& graph) : graph_(graph) {}

  Value conv(Value x, std::int64_t out) {
    const Value last = graph_.apply(Transpose{{0, 2, 1}}, {x});
    const std::int64_t in = graph_.shape(last).back();
    const Value y =
        graph_.apply(Conv{{{3, 1, 1, 1, 1}}},
                     {last, random_constant(graph_, {out, 3, in}), random_constant(graph_, {out})});
    return graph_.apply(Transpose{{0, 2, 1}}, {y});
  }
  /// A weight of [channels][1], as channels-first networks have it.
  Value scaled(Value x) {
    return multiply(graph_, x, random_constant(graph_, {graph_.shape(x)[1], 1}));
  }

 private:
  Graph& graph_;
};

void expect_same_results(const Graph& a, const Graph& b, bool simplify = false) {
  PlanOptions options;
  options.simplify = simplify;
  Plan first(a, options);
  Plan second(b, options);
  for (Plan* plan : {&first, &second}) {
    for (const auto& [name, value] : a.inputs())
      fill(*plan, name, static_cast<unsigned>(name.size()));
    plan->run();
  }
  for (const auto& [name, value] : a.outputs()) {
    const std::vector<float> x = output(first, name);
    const std::vector<float> y = output(second, name);
    ASSERT_EQ(first.output(name).shape(), second.output(name).shape());
    for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(x[i], y[i], 1e-5) << name;
  }
}

TEST(CancelTransposes, AChannelsFirstNetworkKeepsThoseAtItsEnds) {
  Graph graph;
  ChannelsFirst layer(graph);
  const Value x = graph.input("x", {2, 6, 40});
  const Value a = gelu(graph, layer.conv(x, 8));
  const Value b = layer.scaled(layer.conv(a, 8));
  const Value residual = add(graph, a, b);
  const Value padded = graph.apply(Pad{{0, 0, 2}, {0, 0, 1}}, {residual});
  const Value cut = graph.apply(Slice{{0, 0, 1}, {2, 8, 41}}, {padded});
  const Value joined = graph.apply(Concat{1}, {cut, layer.conv(cut, 5)});
  const Value soft = graph.apply(Softmax{1}, {joined});
  graph.output("y", layer.conv(soft, 4));
  ASSERT_EQ(count<Transpose>(graph), 8);
  const Graph simple = simplified(graph);
  EXPECT_EQ(count<Transpose>(simple), 2);
  EXPECT_EQ(count<Conv>(simple), 4);
  EXPECT_TRUE(std::holds_alternative<Transpose>(simple.nodes().front().operation));
  EXPECT_TRUE(std::holds_alternative<Transpose>(simple.nodes().back().operation));
  expect_same_results(graph, simple);
}

TEST(CancelTransposes, TwoOfTwoAxesCancelAndNeighboursBecomeOne) {
  Graph graph;
  const Value x = graph.input("x", {2, 3, 4});
  const Value once = graph.apply(Transpose{{1, 2, 0}}, {x});
  const Value twice = graph.apply(Transpose{{1, 2, 0}}, {once});
  const Value thrice = graph.apply(Transpose{{1, 2, 0}}, {twice});
  graph.output("twice", twice);
  graph.output("thrice", gelu(graph, thrice));
  const Graph simple = simplified(graph);
  EXPECT_EQ(count<Transpose>(simple), 1);
  expect_same_results(graph, simple);
}

TEST(CancelTransposes, OneThatMovesOnlyAxesOfOneIsAReshape) {
  Graph graph;
  const Value x = graph.input("x", {1, 7, 1, 3});
  graph.output("y", graph.apply(Transpose{{1, 0, 3, 2}}, {x}));
  const Graph simple = simplified(graph);
  EXPECT_EQ(count<Transpose>(simple), 0);
  EXPECT_EQ(count<Reshape>(simple), 1);
  expect_same_results(graph, simple);
}

TEST(CancelTransposes, StopsWhereAxesHaveAMeaning) {
  Graph graph;
  const Value x = graph.input("x", {2, 6, 4});
  const Value t = graph.apply(Transpose{{0, 2, 1}}, {x});
  graph.output("glu", graph.apply(Glu{}, {t}));
  graph.output("norm", graph.apply(LayerNorm{}, {t}));
  graph.output("flat", reshape(graph, t, {48}));
  graph.output("sum", add(graph, t, graph.input("other", {2, 4, 6})));
  graph.output("t", t);
  const Value s = graph.state("s", {2, 4, 6});
  graph.update(s, gelu(graph, t));
  graph.output("s", add(graph, s, t));
  const Graph simple = simplified(graph);
  expect_same_results(graph, simple);
}

TEST(CancelTransposes, RandomOrdersOfFourAxesMeanTheSame) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 generator(seed);
    Graph graph;
    Value x = graph.input("x", {2, 3, 1, 4});
    std::vector<Value> values{x};
    for (int i = 0; i < 8; ++i) {
      const Shape shape = graph.shape(x);
      std::vector<std::size_t> order{0, 1, 2, 3};
      std::shuffle(order.begin(), order.end(), generator);
      switch (generator() % 5) {
        case 0:
          x = graph.apply(Pad{{0, 1, 0, 2}, {1, 0, 0, 0}, PadMode::edge}, {x});
          break;
        case 1:
          x = multiply(graph, random_constant(graph, {shape[2], shape[3]}), x);
          break;
        case 2:
          x = graph.apply(Concat{static_cast<std::int64_t>(generator() % 4)}, {x, gelu(graph, x)});
          break;
        default:
          x = graph.apply(Transpose{order}, {x});
      }
      values.push_back(x);
    }
    graph.output("y", x);
    graph.output("middle", values[4]);
    const Graph simple = simplified(graph);
    EXPECT_LE(count<Transpose>(simple), count<Transpose>(graph)) << seed;
    expect_same_results(graph, simple);
  }
}

TEST(FoldConstants, NothingConstantIsLeftAndDeadNodesGo) {
  Graph graph;
  const Value x = graph.input("x", {3, 4});
  const Value a = random_constant(graph, {4, 2});
  const Value b = graph.apply(Transpose{{1, 0}}, {multiply(graph, a, constant(graph, {1}, 2))});
  const Value weight = reshape(graph, b, {2, 4});
  const Value y = graph.apply(linear(), {x, weight});
  gelu(graph, y);  // nobody reads it
  const Value length = graph.apply(Cast{DataType::i64}, {constant(graph, {1}, 5)});
  const Value more = graph.apply(Binary{BinaryFunction::add}, {length, length});
  graph.output("y", y);
  graph.output("number", graph.apply(Cast{DataType::f32}, {more}));
  ASSERT_EQ(graph.nodes().size(), 8U);
  const Graph simple = fold_constants(graph);
  ASSERT_EQ(simple.nodes().size(), 1U);
  EXPECT_TRUE(std::holds_alternative<Conv>(simple.nodes()[0].operation));
  expect_same_results(graph, simple, true);
}

TEST(FoldConstants, KeepsStatesAndTheirUpdates) {
  Graph graph;
  const Value s = graph.state("s", {2});
  const Value two = constant(graph, {2}, 2);
  graph.update(s, add(graph, two, two));
  graph.output("y", add(graph, s, two));
  const Graph simple = fold_constants(graph);
  EXPECT_EQ(simple.nodes().size(), 1U);
  ASSERT_EQ(simple.states().size(), 1U);
  EXPECT_TRUE(simple.is_constant(simple.states()[0].next));
}

TEST(ForwardConvolutions, TransposedOnesOfStrideOneAreConvolutions) {
  Graph graph;
  const Value x = graph.input("x", {2, 5, 9, 6});
  const Value bias = random_constant(graph, {6});
  const Value a = graph.apply(ConvTranspose{{{3, 1, 2, 5, 2}, {3, 1, 1, 10, 1}}, 6},
                              {x, random_constant(graph, {6, 3, 3, 1}), bias});
  // A stride, and ends that are cut off beyond the kernel's reach, stay.
  const Value b = graph.apply(ConvTranspose{{{2, 2, 0, 20, 1}}, 1},
                              {a, random_constant(graph, {4, 2, 6}), Value{}});
  const Value c = graph.apply(ConvTranspose{{{2, 1, 3, 12, 1}}, 2},
                              {b, random_constant(graph, {4, 2, 2}), Value{}});
  graph.output("y", c);
  const Graph simple = forward_convolutions(graph);
  ASSERT_EQ(simple.nodes().size(), 3U);
  EXPECT_TRUE(std::holds_alternative<Conv>(simple.nodes()[0].operation));
  EXPECT_TRUE(std::holds_alternative<ConvTranspose>(simple.nodes()[1].operation));
  EXPECT_TRUE(std::holds_alternative<ConvTranspose>(simple.nodes()[2].operation));
  expect_same_results(graph, simple, false);
}

/// What the CPU cannot compute while planning, another backend may compute when it runs.
TEST(FoldConstants, TakesTypesThatHaveNoStepsOfTheirOwn) {
  Graph graph;
  const Value half = graph.apply(Cast{DataType::f16}, {random_constant(graph, {2, 5})});
  graph.output("y", graph.apply(LayerNorm{}, {half}));
  Plan plan(graph, {});
  plan.run();
  EXPECT_EQ(plan.statistics().steps, 0U);
  Number squares = 0;
  for (const Number v : reference_value(plan.output("y")).values) squares += v * v;
  EXPECT_NEAR(static_cast<double>(squares), 10, 0.1);
}

TEST(PlaceNodes, NamesEveryNodeThatNobodyTakesWithTheReasons) {
  Graph graph;
  const Value x = graph.input("x", {2, 4}, DataType::f16);
  const Value frequencies = graph.input("f", {2}, DataType::f16);
  graph.set_label("first");
  const Value a = graph.apply(Rotary{}, {x, frequencies});
  graph.set_label("second");
  const Value b = graph.apply(Rotary{2}, {a, graph.input("g", {1}, DataType::f16)});
  graph.set_label("fine");
  const Value c = graph.apply(Unary{UnaryFunction::exp}, {b});
  graph.set_label("dead");
  graph.apply(Softmax{}, {c});
  graph.output("y", c);
  PlanOptions options;
  options.backends = {make_cpu_backend(),
                      std::make_shared<FakeBackend>(FakeBackendOptions{
                          .device = std::make_shared<FakeDevice>(), .refuse = [](const Node& node) {
                            return node.label == "fine" ? "" : "not today";
                          }})};
  try {
    Plan(graph, options);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
    const std::string text = error.what();
    EXPECT_THAT(text, ::testing::HasSubstr("rotary (first): cpu: "));
    EXPECT_THAT(text, ::testing::HasSubstr("rotary (first): fake: not today"));
    EXPECT_THAT(text, ::testing::HasSubstr("rotary (second): cpu: "));
    EXPECT_THAT(text, ::testing::HasSubstr("rotary (second): fake: not today"));
    EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("fine")));
    EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("dead")));
  }
}

TEST(PlaceNodes, RefusesAPlaceThatIsNotThere) {
  for (const int place : {-1, 1, 7}) {
    Graph graph;
    graph.set_place(place);
    graph.set_label("decoder.2");
    graph.output("y", gelu(graph, graph.input("x", {4})));
    EXPECT_THAT([&] { Plan(graph, {}); },
                ::testing::ThrowsMessage<Error>(::testing::HasSubstr("decoder.2")));
  }
}

TEST(PlaceNodes, FrequenciesThatComeWithTheRunAreRefused) {
  Graph graph;
  const Value x = graph.input("x", {3, 4});
  graph.output("y", graph.apply(Rotary{}, {x, graph.input("f", {2})}));
  EXPECT_THAT([&] { Plan(graph, {}); }, ::testing::ThrowsMessage<Error>(
                                            ::testing::HasSubstr("frequencies are not constant")));
}

TEST(Arena, BuffersThatLiveTogetherNeverOverlap) {
  std::mt19937 generator(11);
  for (int round = 0; round < 200; ++round) {
    std::vector<Lifetime> lives;
    for (int i = 0; i < 40; ++i) {
      const int first = static_cast<int>(generator() % 30);
      lives.push_back({generator() % 5000, first, first + static_cast<int>(generator() % 8)});
    }
    const ArenaLayout layout = lay_out_arena(lives);
    for (std::size_t a = 0; a < lives.size(); ++a) {
      ASSERT_EQ(layout.offsets[a] % 64, 0U);
      ASSERT_LE(layout.offsets[a] + lives[a].size, layout.size);
      for (std::size_t b = 0; b < a; ++b) {
        const bool together = lives[a].first <= lives[b].last && lives[b].first <= lives[a].last;
        const bool apart = layout.offsets[a] + lives[a].size <= layout.offsets[b] ||
                           layout.offsets[b] + lives[b].size <= layout.offsets[a];
        ASSERT_TRUE(!together || apart || lives[a].size == 0 || lives[b].size == 0);
      }
    }
  }
}

/// Half of a network on a backend that keeps 16 bits: casts stand where values come and go, weights
/// and states keep their type, and what an output gives is float32.
TEST(NarrowValues, CastsWhereValuesComeAndGo) {
  Graph graph;
  const Value x = graph.input("x", {1, 8, 4});
  const Value state = graph.state("s", {1, 8, 4});
  graph.set_place(0);
  Value y = graph.apply(Conv{{{3, 1, 1, 1, 1}}},
                        {x, random_constant(graph, {4, 3, 4}), random_constant(graph, {4})});
  y = graph.apply(Unary{UnaryFunction::gelu}, {y});
  y = graph.apply(Binary{BinaryFunction::add}, {y, random_constant(graph, {1, 8, 4})});
  y = graph.apply(Binary{BinaryFunction::add}, {y, state});
  graph.update(state, y);
  graph.set_place(1);
  const Value z = graph.apply(Unary{UnaryFunction::tanh}, {y});
  graph.output("z", z);
  const auto backends = [](std::optional<DataType> type) {
    return std::vector<std::shared_ptr<const Backend>>{
        std::make_shared<FakeBackend>(FakeBackendOptions{.by_reference = true, .value_type = type}),
        make_cpu_backend()};
  };
  const Graph narrow = narrow_values(graph, backends(DataType::f16),
                                     place_nodes(graph, backends(DataType::f16), {}).places);
  // The input, the state and the sum, which leaves for the other backend and the state.
  EXPECT_EQ(count<Cast>(narrow), 3);
  EXPECT_EQ(narrow.type(narrow.outputs()[0].second).type, DataType::f32);
  for (const Node& node : narrow.nodes()) {
    if (!std::holds_alternative<Conv>(node.operation)) continue;
    EXPECT_EQ(narrow.type(node.inputs[Conv::weight]).type, DataType::f32);
    EXPECT_EQ(narrow.type(node.results[0]).type, DataType::f16);
  }

  const auto runs = [&](std::optional<DataType> type) {
    PlanOptions options;
    options.backends = backends(type);
    Plan plan(graph, options);
    std::vector<float> heard;
    for (int step = 0; step < 3; ++step) {
      const std::span<float> in = plan.input("x").values_as<float>();
      for (std::size_t i = 0; i < in.size(); ++i) in[i] = 0.1F * static_cast<float>(i % 7) - 0.3F;
      plan.run();
      const std::span<const float> out = plan.output("z").values_as<float>();
      heard.insert(heard.end(), out.begin(), out.end());
    }
    return heard;
  };
  const std::vector<float> wide = runs({});
  const std::vector<float> half = runs(DataType::f16);
  // A few roundings to 11 bits of values up to 8, three times over; and some must be seen.
  EXPECT_THAT(half, testing::Pointwise(testing::FloatNear(0.05F), wide));
  EXPECT_NE(half, wide);
}

}  // namespace
}  // namespace metalaudio::nn
