#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/nn/cpu_backend.h>
#include <metalaudio/nn/plan.h>

#include <cmath>

#include "tests/nn/graphs.h"
#include "tests/support/fake_backend.h"

namespace metalaudio::nn {
namespace {

/// A plan on the CPU (0) and on a device of its own memory (1).
struct TwoBackends {
  explicit TwoBackends(std::function<std::string(const Node&)> refuse = {},
                       bool by_reference = false) {
    options.backends = {
        make_cpu_backend(),
        std::make_shared<FakeBackend>(FakeBackendOptions{
            .device = device, .refuse = std::move(refuse), .by_reference = by_reference})};
  }

  std::shared_ptr<FakeDevice> device = std::make_shared<FakeDevice>();
  PlanOptions options;
};

std::vector<std::string> backends_of(const Plan& plan) {
  std::vector<std::string> names;
  for (const StepReport& step : plan.report().steps) names.push_back(step.backend);
  return names;
}

/// An encoder on the device, an LSTM with state on the CPU, a decoder on the device.
Graph hybrid(std::optional<int> ends, std::optional<int> middle) {
  Graph graph;
  const Value x = graph.input("x", {1, 8, 6});
  graph.set_place(ends);
  const Value encoded = gelu(graph, pointwise(graph, x, 10));
  graph.set_place(middle);
  const Value h = graph.state("h", {1, 1, 10});
  const Value c = graph.state("c", {1, 1, 10});
  std::vector<Value> results;
  const Value y = lstm(graph, encoded, 10, h, c, &results);
  graph.update(h, results[1]);
  graph.update(c, results[2]);
  graph.set_place(ends);
  graph.output("y", pointwise(graph, add(graph, y, encoded), 6));
  return graph;
}

std::vector<std::vector<float>> run_blocks(Plan& plan, unsigned blocks) {
  std::vector<std::vector<float>> results;
  for (unsigned block = 0; block < blocks; ++block) {
    fill(plan, "x", block);
    plan.run();
    results.push_back(output(plan));
  }
  return results;
}

TEST(Backends, AHybridPipelineRunsInOnePlanWithCopiesAsSteps) {
  Plan alone(hybrid({}, {}), {});
  const auto expected = run_blocks(alone, 4);
  TwoBackends two;
  Plan plan(hybrid(1, 0), two.options);
  EXPECT_THAT(backends_of(plan), ::testing::ElementsAre("fake", "cpu", "fake", "fake"));
  // x to the device, its code to the CPU, what the LSTM gives to the device, the result back.
  EXPECT_EQ(plan.statistics().copies, 4U);
  const int before = two.device->copies;
  EXPECT_EQ(run_blocks(plan, 4), expected);
  EXPECT_EQ(two.device->copies - before, 16);
}

TEST(Backends, StatesOfTheDeviceStayThere) {
  Plan alone(hybrid({}, {}), {});
  const auto expected = run_blocks(alone, 5);
  TwoBackends two;
  Plan plan(hybrid(0, 1), two.options);
  // The code to the device and the LSTM's result back; its states are never copied.
  EXPECT_EQ(plan.statistics().copies, 2U);
  EXPECT_EQ(plan.statistics().state_bytes, alone.statistics().state_bytes);
  EXPECT_EQ(run_blocks(plan, 5), expected);
  plan.reset();
  EXPECT_EQ(run_blocks(plan, 5), expected);
  Plan other = plan.clone();
  EXPECT_EQ(run_blocks(other, 5), expected);
  // The clone's memory is its own.
  plan.reset();
  fill(other, "x", 9);
  other.run();
  EXPECT_EQ(run_blocks(plan, 5), expected);
}

TEST(Backends, AllMemoryOfTheDeviceIsGivenBack) {
  TwoBackends two;
  {
    Plan plan(hybrid(1, 0), two.options);
    Plan other = plan.clone();
    EXPECT_GT(two.device->allocations, 0);
  }
  EXPECT_EQ(two.device->allocations, 0);
}

/// Whichever allocation fails: constants, an arena, the half of a state.
TEST(Backends, ADeviceWithoutEnoughMemoryIsAnErrorAndKeepsNothing) {
  int failures = 0;
  for (std::size_t bytes = 0;; bytes += 64) {
    TwoBackends two;
    two.device->free_bytes = bytes;
    try {
      const Plan plan(hybrid(1, 1), two.options);
      break;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::out_of_memory) << error.what();
      ++failures;
    }
    EXPECT_EQ(two.device->allocations, 0);
    EXPECT_EQ(two.device->free_bytes, bytes);
  }
  EXPECT_GT(failures, 5);
}

TEST(Backends, AStateThatThePlacesShareIsCopiedBetweenThem) {
  const auto make = [](std::optional<int> writer, std::optional<int> reader) {
    Graph graph;
    const Value x = graph.input("x", {5});
    const Value s = graph.state("s", {5});
    const Value t = graph.state("t", {5});
    graph.set_place(writer);
    graph.update(s, add(graph, s, x));
    graph.update(t, s);
    graph.set_place(reader);
    graph.output("y", multiply(graph, add(graph, s, t), x));
    graph.output("s", s);
    return graph;
  };
  Plan alone(make({}, {}), {});
  const auto expected = run_blocks(alone, 6);
  for (const auto& [writer, reader] : {std::pair{0, 1}, {1, 0}, {1, 1}}) {
    TwoBackends two;
    Plan plan(make(writer, reader), two.options);
    EXPECT_EQ(run_blocks(plan, 6), expected) << writer << reader;
    EXPECT_EQ(output(plan, "s"), output(alone, "s"));
    plan.reset();
    EXPECT_EQ(run_blocks(plan, 6), expected) << writer << reader;
  }
}

TEST(Backends, WhatOneRefusesFallsToTheNextThatTakesIt) {
  TwoBackends two([](const Node& node) {
    return std::holds_alternative<Conv>(node.operation) ? "no convolutions" : "";
  });
  Graph graph;
  const Value x = graph.input("x", {7, 6});
  graph.set_place(1);
  graph.output("y", gelu(graph, add(graph, pointwise(graph, x, 6), x)));
  Plan plan(graph, two.options);
  EXPECT_THAT(backends_of(plan), ::testing::ElementsAre("cpu", "fake", "fake"));
  Plan alone(graph, [] {
    PlanOptions options;
    options.backends = {make_cpu_backend(), make_cpu_backend()};
    return options;
  }());
  fill(plan, "x");
  plan.run();
  fill(alone, "x");
  alone.run();
  EXPECT_EQ(output(plan), output(alone));
}

TEST(Backends, TheFirstThatTakesANodeRunsIt) {
  TwoBackends two;
  std::swap(two.options.backends[0], two.options.backends[1]);
  Graph graph = hybrid({}, {});
  Plan plan(graph, two.options);
  EXPECT_THAT(backends_of(plan), ::testing::Each("fake"));
  EXPECT_EQ(plan.statistics().copies, 2U);  // of the input and of the output
  Plan alone(graph, {});
  EXPECT_EQ(run_blocks(plan, 3), run_blocks(alone, 3));
}

TEST(Backends, ADeviceAloneHasItsInputsAndOutputsInHostMemory) {
  const auto device = std::make_shared<FakeDevice>();
  PlanOptions options;
  options.backends = {
      std::make_shared<FakeBackend>(FakeBackendOptions{.device = device, .by_reference = true})};
  Graph graph = hybrid({}, {});
  Plan plan(graph, options);
  EXPECT_TRUE(plan.input("x").in_host_memory());
  Plan alone(graph, {});
  for (unsigned block = 0; block < 3; ++block) {
    fill(plan, "x", block);
    fill(alone, "x", block);
    plan.run();
    alone.run();
    const std::vector<float> y = output(plan);
    const std::vector<float> expected = output(alone);
    for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], expected[i], 1e-5);
  }
}

TEST(Backends, ValuesGoFromDeviceToDevice) {
  Graph graph;
  const Value x = graph.input("x", {3, 6});
  const Value s = graph.state("s", {3, 6});
  graph.set_place(0);
  const Value a = gelu(graph, add(graph, x, s));
  graph.set_place(1);
  const Value b = pointwise(graph, a, 6);
  graph.update(s, b);
  graph.set_place(0);
  graph.output("y", multiply(graph, a, b));
  Plan alone(graph, [] {
    PlanOptions options;
    options.backends = {make_cpu_backend(), make_cpu_backend()};
    return options;
  }());
  const auto expected = run_blocks(alone, 4);
  const auto first = std::make_shared<FakeDevice>();
  // Two devices, and one that two backends share.
  for (const auto& second : {std::make_shared<FakeDevice>(), first}) {
    PlanOptions options;
    for (const auto& device : {first, second}) {
      options.backends.push_back(
          std::make_shared<FakeBackend>(FakeBackendOptions{.device = device}));
    }
    Plan plan(graph, options);
    // Input and output, the state to its reader, and a value in each direction.
    EXPECT_EQ(plan.statistics().copies, 5U);
    EXPECT_EQ(run_blocks(plan, 4), expected);
  }
}

TEST(Backends, WhatOnlyOneTakesRunsThere) {
  TwoBackends two({}, true);
  Graph graph;
  const Value x = graph.apply(Unary{UnaryFunction::tanh}, {graph.input("x", {3, 8})});
  const Value turned = graph.apply(Rotary{}, {x, graph.input("f", {4})});
  graph.output("x", x);
  graph.output("y", graph.apply(Unary{UnaryFunction::exp}, {turned}));
  Plan plan(graph, two.options);
  EXPECT_THAT(backends_of(plan), ::testing::ElementsAre("cpu", "fake", "cpu"));
  fill(plan, "x");
  fill(plan, "f");
  plan.run();
  // Turning keeps the squares.
  double before = 0;
  double after = 0;
  for (const float v : plan.output("x").values_as<float>()) before += static_cast<double>(v) * v;
  for (const float v : plan.output("y").values_as<float>()) {
    after += std::log(static_cast<double>(v)) * std::log(static_cast<double>(v));
  }
  EXPECT_NEAR(after, before, 1e-4 * before);
}

TEST(Backends, ConstantsGoToTheDeviceOnceForAllClones) {
  TwoBackends two;
  Graph graph;
  const Value x = graph.input("x", {4, 6});
  graph.set_place(1);
  graph.output("y", multiply(graph, x, random_constant(graph, {4, 6})));
  Plan plan(graph, two.options);
  const int allocations = two.device->allocations;
  Plan other = plan.clone();
  // Its arena alone.
  EXPECT_EQ(two.device->allocations, allocations + 1);
  Plan alone(graph, [] {
    PlanOptions options;
    options.backends = {make_cpu_backend(), make_cpu_backend()};
    return options;
  }());
  EXPECT_EQ(run_blocks(other, 2), run_blocks(alone, 2));
}

TEST(Backends, ValuesOfNoElementsCrossBetweenThem) {
  TwoBackends two;
  Graph graph;
  const Value x = graph.input("x", {0, 6});
  const Value s = graph.state("s", {0, 6});
  graph.set_place(1);
  const Value y = gelu(graph, add(graph, x, s));
  graph.update(s, y);
  graph.set_place(0);
  graph.output("y", gelu(graph, y));
  Plan plan(graph, two.options);
  plan.run();
  plan.reset();
  plan.run();
  EXPECT_EQ(plan.output("y").size(), 0U);
}

}  // namespace
}  // namespace metalaudio::nn
