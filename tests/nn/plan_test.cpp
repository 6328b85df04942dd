#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/realtime/denormals.h>
#include <metalaudio/nn/cpu/cpu_step.h>
#include <metalaudio/nn/plan.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <optional>
#include <thread>

#include "tests/nn/graphs.h"
#include "tests/support/realtime_guard.h"

namespace metalaudio::nn {
namespace {

/// Every kind of step of the separation networks, small.
Graph many_operations() {
  Graph graph;
  const Value x = graph.input("x", {2, 40, 8});
  const SlidingAxis same{3, 1, 1, 1, 1};
  const Value c = graph.apply(
      Conv{{same, same}}, {x, random_constant(graph, {8, 3, 3, 8}), random_constant(graph, {8})});
  const Value g = graph.apply(GroupNorm{2, 2},
                              {gelu(graph, c), constant(graph, {8}, 1), constant(graph, {8}, 0)});
  const Value t = graph.apply(ConvTranspose{{{1, 1, 0, 2}, {4, 2, 1, 80}}},
                              {g, random_constant(graph, {8, 1, 4, 8}), constant(graph, {8}, 0)});
  const Value s = graph.apply(Slice{{0, 3, 0}, {1, 60, 8}}, {t});
  const Value n = graph.apply(LayerNorm{}, {s, constant(graph, {8}, 1), constant(graph, {8}, 0)});
  const Value a =
      graph.apply(Attention{.heads = 2}, {pointwise(graph, n, 8), pointwise(graph, n, 8), n});
  graph.output("y",
               graph.apply(Unary{UnaryFunction::tanh}, {multiply(graph, add(graph, a, s), n)}));
  return graph;
}

/// What an effect on the audio thread may hold: DConv, GLU, gains, attention, an LSTM with state.
Graph streaming_operations() {
  Graph graph;
  const Value x = graph.input("x", {1, 16, 8});
  const Value fixed = dconv(graph, x, 3, random_constant(graph, {1, 1, 8}));
  const Value gain = graph.input("gain", {1, 1, 8});
  const Value moving = dconv(graph, fixed, 3, gain);
  const Value gated = graph.apply(Glu{}, {pointwise(graph, moving, 16)});
  const Value attended = graph.apply(Attention{.heads = 2, .causal = true}, {gated, gated, gated});
  const Value h = graph.state("h", {1, 1, 5});
  const Value c = graph.state("c", {1, 1, 5});
  std::vector<Value> results;
  const Value y = lstm(graph, multiply(graph, attended, gain), 5, h, c, &results);
  graph.update(h, results[1]);
  graph.update(c, results[2]);
  const Value normed = graph.apply(RmsNorm{}, {y});
  graph.output("y", graph.apply(Rotary{}, {normed, random_constant(graph, {2})}));
  return graph;
}

void fill_streaming(Plan& plan, unsigned seed) {
  fill(plan, "x", seed);
  fill(plan, "gain", seed + 100);
}

TEST(Plan, RunsOnTheAudioThreadWithoutAllocatingOrLocking) {
  Plan network(many_operations(), {});
  Plan effect(streaming_operations(), {});
  Plan bf16(streaming_operations(), {.precision = Precision::bf16});
  for (unsigned run = 0; run < 3; ++run) {
    fill(network, "x", run);
    fill_streaming(effect, run);
    fill_streaming(bf16, run);
    const testing::RealtimeGuard guard;
    network.run();
    effect.run();
    bf16.run();
    effect.reset();
  }
}

TEST(Plan, IsTheSameFromRunToRun) {
  Plan plan(many_operations(), {});
  std::vector<float> first;
  for (int run = 0; run < 3; ++run) {
    fill(plan, "x");
    plan.run();
    if (run == 0) first = output(plan);
    EXPECT_EQ(output(plan), first);
  }
}

/// Rows are cut by the number of threads, and what comes out does not show where.
TEST(Plan, GivesTheSameBitsOnAnyNumberOfThreads) {
  Graph graph;
  Value x = graph.input("x", {333, 40});
  x = gelu(graph, pointwise(graph, x, 96));
  x = graph.apply(LayerNorm{}, {x, constant(graph, {96}, 1), constant(graph, {96}, 0)});
  x = graph.apply(Glu{}, {graph.apply(RmsNorm{}, {x})});
  x = graph.apply(MatMul{}, {x, random_constant(graph, {48, 50})});
  graph.output("y", graph.apply(Softmax{}, {x}));
  const auto run = [&graph](const PlanOptions& options) {
    Plan plan(graph, options);
    fill(plan, "x");
    plan.run();
    return output(plan);
  };
  for (const Precision precision : {Precision::fp32, Precision::automatic, Precision::bf16}) {
    PlanOptions options;
    options.precision = precision;
    const std::vector<float> alone = run(options);
    for (const std::size_t threads : {2U, 3U, 5U, 16U}) {
      ThreadPool pool(threads);
      options.pool = &pool;
      EXPECT_EQ(run(options), alone) << to_string(precision) << ", " << threads;
    }
  }
}

/// Whichever kernel a linear layer takes for so many rows, a product takes too.
TEST(Plan, AMatrixMultipliesAsALinearLayerDoes) {
  for (const Precision precision : {Precision::fp32, Precision::automatic, Precision::bf16}) {
    for (const Shape& shape : {Shape{64, 80}, Shape{2, 100, 80}, Shape{9, 8, 80}, Shape{2, 80}}) {
      SCOPED_TRACE(shape.to_string() + " in " + std::string(to_string(precision)));
      Graph graph;
      const Value x = graph.input("x", shape);
      const Value weight = random_constant(graph, {48, 80});
      graph.output("linear", graph.apply(linear(), {x, weight}));
      const Value b = graph.apply(Transpose{{1, 0}}, {weight});
      graph.output("product", graph.apply(MatMul{}, {x, b}));
      PlanOptions options;
      options.precision = precision;
      Plan plan(graph, options);
      fill(plan, "x");
      plan.run();
      EXPECT_EQ(output(plan, "product"), output(plan, "linear"));
    }
  }
}

TEST(Steps, RowsAreCutSoThatThreadsEndTogether) {
  EXPECT_EQ(cpu::rows_of_task(1344, 1, 12, 1), 96U);
  // 14 tasks of 96 rows leave 2 of 16 threads without work, and 2 of 8 in the second round.
  EXPECT_EQ(cpu::rows_of_task(1344, 1, 12, 16), 84U);
  EXPECT_EQ(cpu::rows_of_task(1344, 1, 12, 8), 84U);
  EXPECT_EQ(cpu::rows_of_task(10, 1, 12, 16), 96U);
  EXPECT_EQ(cpu::rows_of_task(0, 1, 32, 16), 96U);
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
  Plan plan(many_operations(), {});
  EXPECT_THAT([&] { plan.input("z"); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr("called z")));
  EXPECT_THAT([&] { plan.output("x"); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr("called x")));
}

TEST(Plan, RefusesMoreMemoryThanItMayUse) {
  PlanOptions options;
  options.memory_limit_bytes = 100;
  EXPECT_THAT([&] { Plan(many_operations(), options); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr("are allowed")));
}

/// y = x · w of weights that are made when they are asked for.
Graph with_weights_made_late(std::atomic<int>& made) {
  Graph graph;
  const Value x = graph.input("x", {4, 64});
  const auto make = [&made] {
    ++made;
    Tensor weight({32, 64});
    std::ranges::fill(weight.values(), 0.5F);
    return weight;
  };
  const Value w = graph.constant(Constant({{32, 64}, DataType::f32}, make));
  graph.output("y", graph.apply(linear(), {x, w}));
  return graph;
}

TEST(Plan, MakesAWeightWhenItPacksItAndKeepsNone) {
  std::atomic<int> made = 0;
  const Graph graph = with_weights_made_late(made);
  EXPECT_EQ(made, 0);
  ThreadPool pool(2);
  for (ThreadPool* threads : {static_cast<ThreadPool*>(nullptr), &pool}) {
    PlanOptions options;
    options.pool = threads;
    made = 0;
    Plan plan(graph, options);
    EXPECT_EQ(made, 1);
    std::ranges::fill(plan.input("x").values_as<float>(), 1.0F);
    plan.run();
    EXPECT_EQ(plan.output("y").values_as<float>().front(), 32.0F);
  }
}

TEST(Plan, RefusesWeightsThatAreTooLargeBeforeItReadsThem) {
  std::atomic<int> made = 0;
  PlanOptions options;
  options.memory_limit_bytes = 8000;  // of weights 8192 bytes, of values 1536
  EXPECT_THAT([&] { Plan(with_weights_made_late(made), options); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr("are allowed")));
  EXPECT_EQ(made, 0);
}

TEST(Plan, EndsInTheErrorOfAWeightThatCannotBeMadeOnAnyThread) {
  Graph graph;
  Value x = graph.input("x", {4, 64});
  for (int i = 0; i < 8; ++i) {
    const auto make = [i]() -> Tensor { fail(ErrorCode::io, "weight {}", i); };
    x = graph.apply(linear(), {x, graph.constant(Constant({{64, 64}, DataType::f32}, make))});
  }
  graph.output("y", x);
  ThreadPool pool(3);
  PlanOptions options;
  options.pool = &pool;
  EXPECT_THAT([&] { Plan(graph, options); }, ::testing::ThrowsMessage<Error>("weight 0"));
}

TEST(Plan, RefusesAbsurdValuesBeforeStepsAreMade) {
  Graph graph;
  const Value x = graph.input("x", {1, 8});
  graph.output("y", graph.apply(Pad{{0, std::int64_t{1} << 31}, {0, 0}, PadMode::reflect}, {x}));
  PlanOptions options;
  options.memory_limit_bytes = std::size_t{1} << 20U;
  EXPECT_THAT([&] { Plan(graph, options); },  // a table of its places takes minutes
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr("are allowed")));
}

TEST(Plan, DrawsAndReportsItsSteps) {
  PlanOptions options;
  options.timing = true;
  Plan plan(streaming_operations(), options);
  fill_streaming(plan, 1);
  plan.run();
  const PlanReport report = plan.report();
  EXPECT_EQ(report.steps.size(), plan.statistics().steps);
  EXPECT_EQ(report.statistics.operations, streaming_operations().nodes().size());
  for (const StepReport& step : report.steps) {
    EXPECT_GT(step.milliseconds, 0) << step.kind;
    EXPECT_GT(step.cost.bytes, 0) << step.kind;
    EXPECT_GT(step.cost.operations, 0) << step.kind;
    EXPECT_EQ(step.backend, "cpu");
  }
  EXPECT_THAT(report.table(), ::testing::HasSubstr("attention"));
  EXPECT_THAT(report.table(), ::testing::HasSubstr("dconv"));
  const std::string picture = plan.graphviz();
  EXPECT_THAT(picture, ::testing::StartsWith("digraph plan {"));
  EXPECT_THAT(picture, ::testing::HasSubstr("lstm"));
  EXPECT_THAT(picture, ::testing::HasSubstr("in0 -> step0"));
}

TEST(Plan, CountsTheOperationsAndBytesOfAConvolution) {
  Graph graph;
  graph.set_label("encoder.0");
  const Value x = graph.input("x", {2, 50, 6});
  graph.output("y", graph.apply(Conv{{{5, 2, 1, 2, 2}}}, {x, random_constant(graph, {8, 5, 6}),
                                                          random_constant(graph, {8})}));
  const Plan plan(graph, {});
  const PlanReport report = plan.report();
  ASSERT_EQ(report.steps.size(), 1U);
  const StepReport& step = report.steps[0];
  EXPECT_EQ(step.kind, "conv");
  EXPECT_EQ(step.label, "encoder.0");
  EXPECT_EQ(step.result, "f32[2, 25, 8]");
  EXPECT_EQ(step.cost.operations, 2.0 * (2 * 25 * 8) * (5 * 6));
  EXPECT_EQ(step.cost.bytes, 4.0 * (2 * 50 * 6 + 8 * 5 * 6 + 2 * 25 * 8));
  EXPECT_EQ(step.milliseconds, 0);
  EXPECT_EQ(plan.statistics().copies, 0U);
  EXPECT_EQ(plan.statistics().state_bytes, 0U);
  EXPECT_GE(plan.statistics().weight_bytes, 4U * 8 * 5 * 6);
}

TEST(Plan, AConstantMatrixIsKeptPackedAlone) {
  const auto weight_bytes = [](const Shape& a, bool shared) {
    Graph graph;
    const Value b = random_constant(graph, {64, 64});
    const Value y = graph.apply(MatMul{}, {graph.input("x", a), b});
    graph.output("y", shared ? add(graph, y, b) : y);
    return Plan(graph, {}).statistics().weight_bytes;
  };
  constexpr std::size_t kMatrix = 64 * 64 * sizeof(float);
  // Packing adds a bias of 64 numbers, and fills up to whole vectors.
  EXPECT_LT(weight_bytes({4, 64}, false), 2 * kMatrix);
  EXPECT_LT(weight_bytes({3, 4, 64}, false), 2 * kMatrix);
  // Another reads it as it is.
  EXPECT_GE(weight_bytes({64, 64}, true), 2 * kMatrix);
}

TEST(Plan, FlushesDenormalsWhileItRunsAndRestoresTheModeAfter) {
  Graph graph;
  const Value x = graph.input("x", {64});
  graph.output("y", multiply(graph, x, constant(graph, {1}, 0.5F)));
  Plan plan(graph, {});
  // The product of the smallest normal number and a half is denormal.
  for (float& v : plan.input("x").values_as<float>()) v = std::numeric_limits<float>::min();
  const FloatingPointMode before = FloatingPointMode::current();
  volatile float tiny = std::numeric_limits<float>::min();
  plan.run();
  for (const float v : output(plan)) EXPECT_EQ(v, 0);
  EXPECT_EQ(FloatingPointMode::current(), before);
  EXPECT_NE(tiny * 0.5F, 0);
}

TEST(Plan, ValuesOfNoElementsPassThroughEverything) {
  Graph graph;
  const Value x = graph.input("x", {0, 12, 8});
  const Value y = dconv(graph, x, 3, random_constant(graph, {1, 1, 8}));
  const Value joined = graph.apply(Concat{0}, {y, graph.input("z", {2, 12, 8})});
  graph.output("nothing", graph.apply(Attention{.heads = 2}, {y, y, y}));
  graph.output("y", joined);
  Plan plan(graph, {});
  fill(plan, "z");
  const std::vector<float> z(plan.input("z").values_as<float>().begin(),
                             plan.input("z").values_as<float>().end());
  plan.run();
  EXPECT_EQ(plan.output("nothing").size(), 0U);
  EXPECT_EQ(output(plan), z);
}

TEST(Plan, AnOutputMayBeAnInputAConstantOrAReshape) {
  Graph graph;
  const Value x = graph.input("x", {2, 3});
  graph.output("same", x);
  graph.output("flat", reshape(graph, x, {6}));
  graph.output("constant", constant(graph, {2}, 7));
  graph.output("folded", add(graph, constant(graph, {2}, 7), constant(graph, {1}, 1)));
  graph.output("twice", x);
  Plan plan(graph, {});
  fill(plan, "x");
  const std::vector<float> x_values(plan.input("x").values_as<float>().begin(),
                                    plan.input("x").values_as<float>().end());
  plan.run();
  EXPECT_EQ(plan.statistics().steps, 0U);
  EXPECT_EQ(output(plan, "same"), x_values);
  EXPECT_EQ(output(plan, "twice"), x_values);
  EXPECT_EQ(output(plan, "flat"), x_values);
  EXPECT_EQ(plan.output("flat").shape(), Shape{6});
  EXPECT_EQ(output(plan, "constant"), (std::vector<float>{7, 7}));
  EXPECT_EQ(output(plan, "folded"), (std::vector<float>{8, 8}));
}
TEST(PlanClone, SharesTheWeightsAndHasStatesOfItsOwn) {
  Plan plan(streaming_operations(), {});
  fill_streaming(plan, 1);
  plan.run();
  const std::vector<float> first = output(plan);
  fill_streaming(plan, 1);
  plan.run();
  const std::vector<float> second = output(plan);
  ASSERT_NE(first, second);

  Plan other = plan.clone();
  // The program, and with it every packed weight, is one object.
  EXPECT_EQ(&other.statistics(), &plan.statistics());
  fill_streaming(other, 1);
  other.run();
  EXPECT_EQ(output(other), first);
  EXPECT_EQ(output(plan), second);
  fill_streaming(other, 1);
  other.run();
  EXPECT_EQ(output(other), second);
}

TEST(PlanClone, OutlivesThePlanThatItCameFrom) {
  std::optional<Plan> plan(std::in_place, many_operations(), PlanOptions{});
  fill(*plan, "x");
  plan->run();
  const std::vector<float> expected = output(*plan);
  Plan other = plan->clone();
  plan.reset();
  fill(other, "x");
  other.run();
  EXPECT_EQ(output(other), expected);
}

TEST(PlanClone, EightThreadsRunOneEach) {
  constexpr int kRuns = 20;
  Plan plan(streaming_operations(), {});
  std::vector<std::vector<float>> expected;
  for (unsigned run = 0; run < kRuns; ++run) {
    fill_streaming(plan, run);
    plan.run();
    expected.push_back(output(plan));
  }
  std::vector<Plan> clones;
  for (int i = 0; i < 8; ++i) clones.push_back(plan.clone());
  std::vector<int> wrong(8);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (unsigned run = 0; run < kRuns; ++run) {
        fill_streaming(clones[i], run);
        clones[i].run();
        wrong[i] += output(clones[i]) == expected[run] ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(wrong, ::testing::Each(0));
}
}  // namespace
}  // namespace metalaudio::nn
