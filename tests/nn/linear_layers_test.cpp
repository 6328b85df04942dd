#include <gtest/gtest.h>
#include <metalaudio/nn/cpu_backend.h>
#include <metalaudio/nn/plan.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "tests/nn/graphs.h"
#include "tests/support/realtime_guard.h"

namespace metalaudio::nn {
namespace {

constexpr std::int64_t kChannels = 40;

Value layer_norm(Graph& graph, Value x) {
  return graph.apply(LayerNorm{},
                     {x, random_constant(graph, {kChannels}), random_constant(graph, {kChannels})});
}

/// torch.nn.TransformerEncoderLayer with its norms first.
Graph transformer_layer() {
  Graph graph;
  const Value x = graph.input("x", {1, 333, kChannels});
  const Value n = layer_norm(graph, x);
  const Value q = pointwise(graph, n, kChannels);
  const Value k = pointwise(graph, n, kChannels);
  const Value v = pointwise(graph, n, kChannels);
  Value y =
      add(graph, x, pointwise(graph, graph.apply(Attention{.heads = 2}, {q, k, v}), kChannels));
  const Value hidden = gelu(graph, pointwise(graph, layer_norm(graph, y), 100));
  y = add(graph, y, pointwise(graph, hidden, kChannels));
  graph.output("y", y);
  return graph;
}

std::vector<float> run(const Graph& graph, const PlanOptions& options) {
  Plan plan(graph, options);
  fill(plan, "x");
  plan.run();
  return output(plan);
}

TEST(LinearLayers, OfOneNormAreOneStep) {
  const Graph graph = transformer_layer();
  const auto steps = [&](Precision precision) {
    return Plan(graph, {.precision = precision}).statistics().steps;
  };
  // Projections with their norm, attention, its layer, and both layers of the feed-forward with theirs.
  EXPECT_EQ(steps(Precision::fp32), 9U);
  const bool rounds = cpu_arithmetic(Precision::bf16).starts_with("bf16");
  EXPECT_EQ(steps(Precision::bf16), rounds ? 4U : 9U);
}

/// A value that somebody else reads is there for them.
TEST(LinearLayers, LeaveWhatOthersRead) {
  Graph graph;
  const Value x = graph.input("x", {1, 50, kChannels});
  const Value n = layer_norm(graph, x);
  const Value hidden = gelu(graph, pointwise(graph, n, 100));
  graph.output("y", add(graph, pointwise(graph, hidden, kChannels), n));
  graph.output("hidden", hidden);
  PlanOptions apart;
  apart.fuse = false;
  const std::vector<float> expected = run(graph, apart);
  const std::vector<float> fused = run(graph, {});
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(fused[i], expected[i], 1e-4F);
}

TEST(LinearLayers, GiveTheSameBitsOnAnyNumberOfThreads) {
  const Graph graph = transformer_layer();
  for (const Precision precision : {Precision::fp32, Precision::automatic, Precision::bf16}) {
    SCOPED_TRACE(to_string(precision));
    const std::vector<float> alone = run(graph, {.precision = precision});
    for (const std::size_t threads : {2U, 3U, 16U}) {
      ThreadPool pool(threads);
      EXPECT_EQ(run(graph, {.precision = precision, .pool = &pool}), alone) << threads;
    }
  }
}

/// Tiles are multiplied another way where an infinity is among their rows: those of no other tile.
TEST(LinearLayers, WithAnInfinityGiveTheSameBitsOnAnyNumberOfThreads) {
  Graph graph;
  const Value x = graph.input("x", {1, 333, 64});
  graph.output("y", pointwise(graph, x, 96));
  const auto bits = [&](ThreadPool* pool) {
    Plan plan(graph, {.pool = pool});
    fill(plan, "x");
    plan.input("x").values_as<float>()[70 * 64 + 5] = std::numeric_limits<float>::infinity();
    plan.run();
    const std::vector<float> y = output(plan);
    EXPECT_TRUE(std::isfinite(y[69 * 96]));
    EXPECT_FALSE(std::isfinite(y[70 * 96]));
    std::vector<std::uint32_t> all(y.size());
    std::memcpy(all.data(), y.data(), y.size() * sizeof(float));
    return all;
  };
  const std::vector<std::uint32_t> alone = bits(nullptr);
  for (const std::size_t threads : {2U, 3U, 16U}) {
    ThreadPool pool(threads);
    EXPECT_EQ(bits(&pool), alone) << threads;
  }
}

TEST(LinearLayers, RunOnTheAudioThread) {
  for (const Precision precision : {Precision::fp32, Precision::automatic, Precision::bf16}) {
    Plan plan(transformer_layer(), {.precision = precision});
    fill(plan, "x");
    const testing::RealtimeGuard guard;
    plan.run();
  }
}

}  // namespace
}  // namespace metalaudio::nn
