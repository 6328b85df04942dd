#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/nn/graph/arena.h>
#include <metalaudio/nn/plan.h>

#include <random>

#include "tests/support/realtime_guard.h"

namespace metalaudio::nn {
namespace {

Value constant(Graph& graph, const Shape& shape, float value) {
  Tensor tensor(shape);
  for (float& v : tensor.values()) v = value;
  return graph.constant(std::move(tensor));
}

Value pointwise(Graph& graph, Value x, std::int64_t out) {
  return graph.linear(x, constant(graph, {out, graph.shape(x).back()}, 0.01F),
                      constant(graph, {out}, 0.5F));
}

/// Every kind of step, small.
Graph every_operation() {
  Graph graph;
  const Value x = graph.input("x", {2, 40, 8});
  const Value c = graph.conv(x, constant(graph, {8, 3, 3, 8}, 0.02F), constant(graph, {8}, 0.1F),
                             {{3, 1, 1, 1, 1}, {3, 1, 1, 1, 1}});
  const Value g = graph.group_norm(graph.activation(c, Activation::gelu), constant(graph, {8}, 1),
                                   constant(graph, {8}, 0), {2, false, 1e-5F});
  const Value t = graph.conv_transpose(g, constant(graph, {8, 1, 4, 8}, 0.1F),
                                       constant(graph, {8}, 0), {{1, 1, 0, 2}, {4, 2, 1, 80}});
  const Value s = graph.slice(t, 0, 3, {1, 60, 8});
  const Value n = graph.layer_norm(s, constant(graph, {8}, 1), constant(graph, {8}, 0));
  const Value a = graph.attention(pointwise(graph, n, 8), pointwise(graph, n, 8), n, 2);
  graph.output("y", graph.activation(graph.multiply(graph.add(a, s), n), Activation::tanh));
  return graph;
}

TEST(Plan, RunsOnTheAudioThreadWithoutAllocatingOrLocking) {
  Plan plan(every_operation(), {});
  const std::span<float> x = plan.input("x");
  for (int run = 0; run < 3; ++run) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.01F * static_cast<float>(i % 37);
    const testing::RealtimeGuard guard;
    plan.run();
  }
}

TEST(Plan, IsTheSameFromRunToRun) {
  Plan plan(every_operation(), {});
  std::vector<float> first;
  for (int run = 0; run < 3; ++run) {
    const std::span<float> x = plan.input("x");
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.01F * static_cast<float>(i % 37);
    plan.run();
    const std::span<const float> y = plan.output("y");
    if (run == 0) first.assign(y.begin(), y.end());
    EXPECT_TRUE(std::equal(y.begin(), y.end(), first.begin()));
  }
}

TEST(Plan, ReusesMemoryAsTheOriginalsPingPongBuffersDid) {
  Graph graph;
  Value x = graph.input("x", {1, 64, 16});
  for (int layer = 0; layer < 10; ++layer) x = pointwise(graph, x, 16);
  graph.output("y", x);
  const Plan plan(graph, {});
  EXPECT_EQ(plan.statistics().activation_bytes, 2 * 64 * 16 * sizeof(float));
  EXPECT_EQ(plan.statistics().unshared_bytes, 11 * 64 * 16 * sizeof(float));
}

TEST(Plan, NamesWhatItDoesNotHave) {
  Plan plan(every_operation(), {});
  EXPECT_THAT([&] { plan.input("z"); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr("called z")));
}

TEST(Plan, RefusesMoreMemoryThanItMayUse) {
  PlanOptions options;
  options.memory_limit_bytes = 100;
  EXPECT_THAT([&] { Plan(every_operation(), options); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr("are allowed")));
}

TEST(Plan, DrawsAndReportsItsSteps) {
  Plan plan(every_operation(), {Precision::fp32, nullptr, true, std::size_t{1} << 30});
  plan.run();
  EXPECT_THAT(plan.report(), ::testing::HasSubstr("attention"));
  EXPECT_THAT(plan.graphviz(), ::testing::StartsWith("digraph plan {"));
}

TEST(Graph, RefusesShapesThatDoNotFit) {
  Graph graph;
  const Value x = graph.input("x", {2, 40, 8});
  graph.set_label("layer.3");
  EXPECT_THAT([&] { pointwise(graph, graph.input("z", {4}), 3); }, ::testing::Throws<Error>());
  EXPECT_THAT(
      [&] {
        graph.add(x, graph.input("w", {2, 39, 8}));
      },
      ::testing::ThrowsMessage<Error>(::testing::HasSubstr("layer.3")));
  EXPECT_THAT([&] { graph.attention(x, x, x, 3); }, ::testing::Throws<Error>());
  EXPECT_THAT([&] { graph.slice(x, 1, 0, {2, 40, 8}); }, ::testing::Throws<Error>());
  EXPECT_THAT([&] { graph.reshape(x, {2, 41, 8}); }, ::testing::Throws<Error>());
  EXPECT_THAT(
      [&] {
        graph.conv(x, constant(graph, {8, 3, 1, 8}, 0), constant(graph, {8}, 0), {{3}, {}});
      },
      ::testing::ThrowsMessage<Error>(::testing::HasSubstr("smaller than the kernel")));
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
      ASSERT_EQ(layout.offsets[a] % 16, 0U);
      ASSERT_LE(layout.offsets[a] + lives[a].size, layout.size);
      for (std::size_t b = 0; b < a; ++b) {
        const bool together =
            lives[a].first_step <= lives[b].last_step && lives[b].first_step <= lives[a].last_step;
        const bool apart = layout.offsets[a] + lives[a].size <= layout.offsets[b] ||
                           layout.offsets[b] + lives[b].size <= layout.offsets[a];
        ASSERT_TRUE(!together || apart || lives[a].size == 0 || lives[b].size == 0);
      }
    }
  }
}

}  // namespace
}  // namespace metalaudio::nn
