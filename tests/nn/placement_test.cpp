#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/nn/compiler/least_time.h>
#include <metalaudio/nn/cpu_backend.h>
#include <metalaudio/nn/device_rates.h>
#include <metalaudio/nn/plan.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "tests/nn/graphs.h"
#include "tests/support/fake_backend.h"

namespace metalaudio::nn {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A CPU (0) and a GPU (1) with figures by which a step there takes 10 us, a copy 100 us and a value
/// of float32 on the CPU 1 us.
PlanOptions automatic(std::function<std::string(const Node&)> refuse = {}) {
  PlanOptions options;
  options.placement = Placement::automatic;
  options.backends = {make_cpu_backend(),
                      std::make_shared<FakeBackend>(FakeBackendOptions{
                          .device = std::make_shared<FakeDevice>(), .refuse = std::move(refuse)})};
  ToleranceConfiguration& f = options.tolerances;
  f.cpu_mflop_rate = 1;
  f.cpu_mbyte_rate = 1'000'000;
  f.gpu_mflop_rate = 1'000'000;
  f.gpu_mbyte_rate = 1'000'000;
  f.gpu_step_ns = 10'000;
  f.gpu_copy_ns = 100'000;
  f.gpu_copy_mbyte_rate = 1'000'000;
  return options;
}

std::vector<std::string> backends_of(const Plan& plan) {
  std::vector<std::string> names;
  for (const StepReport& step : plan.report().steps) names.push_back(step.backend);
  return names;
}

/// Steps that nothing fuses, over so many values.
Graph chain(int steps, std::int64_t values) {
  Graph graph;
  Value y = graph.input("x", {values});
  for (int i = 0; i < steps; ++i) y = graph.apply(Unary{UnaryFunction::tanh}, {y});
  graph.output("y", y);
  return graph;
}

TEST(Placement, CopiesAreCountedIn) {
  // On the CPU 3 x 70 us; on the GPU 30 us and two copies, 230 us.
  EXPECT_THAT(backends_of(Plan(chain(3, 70), automatic())), Each("cpu"));
  // 4 x 70 us, and 240 us.
  EXPECT_THAT(backends_of(Plan(chain(4, 70), automatic())), Each("fake"));
  // Where inputs and outputs lie on the GPU, its work needs no copy and the CPU's two.
  PlanOptions there = automatic();
  there.ports_place = 1;
  EXPECT_THAT(backends_of(Plan(chain(3, 70), there)), Each("fake"));
  EXPECT_EQ(Plan(chain(3, 70), there).statistics().copies, 0U);
}

TEST(Placement, WithoutFiguresTheFirstThatTakesItRunsANode) {
  PlanOptions options = automatic();
  options.placement = Placement::first;
  EXPECT_THAT(backends_of(Plan(chain(40, 70), options)), Each("cpu"));
}

TEST(Placement, WhatIsRefusedInTheMiddleStaysOnTheCpuAndTheRestGoesWhereItPays) {
  const auto no_sine = [](const Node& node) {
    const auto* unary = std::get_if<Unary>(&node.operation);
    return unary != nullptr && unary->function == UnaryFunction::sin ? "no sine" : "";
  };
  Graph graph;
  Value y = graph.input("x", {300});
  y = graph.apply(Unary{UnaryFunction::tanh}, {y});
  graph.set_label("middle");
  y = graph.apply(Unary{UnaryFunction::sin}, {y});
  for (int i = 0; i < 2; ++i) y = graph.apply(Unary{UnaryFunction::tanh}, {y});
  graph.output("y", y);
  // The first is 300 us here, and 10 us and two copies there, which is less; so are the last two.
  const Plan plan(graph, automatic(no_sine));
  EXPECT_THAT(backends_of(plan), ElementsAre("fake", "cpu", "fake", "fake"));
  EXPECT_THAT(plan.report().placement,
              HasSubstr("automatic: 3 operations on fake, 1 on cpu: 730.0 us"));
  EXPECT_THAT(plan.report().placement, HasSubstr("on cpu: 1200.0 us"));
  EXPECT_THAT(plan.report().placement, HasSubstr("sin (middle): fake: no sine\n"));
  EXPECT_THAT(plan.report().table(), HasSubstr("no sine"));
}

TEST(Placement, ANodeThatNamesItsPlaceStaysThere) {
  Graph graph;
  Value y = graph.input("x", {70});
  graph.set_place(0);
  y = graph.apply(Unary{UnaryFunction::tanh}, {y});
  graph.set_place({});
  for (int i = 0; i < 9; ++i) y = graph.apply(Unary{UnaryFunction::tanh}, {y});
  graph.output("y", y);
  const std::vector<std::string> backends = backends_of(Plan(graph, automatic()));
  EXPECT_EQ(backends.front(), "cpu");
  EXPECT_THAT(std::vector(backends.begin() + 1, backends.end()), Each("fake"));
}

TEST(Placement, AStateLiesWhereItIsMade) {
  Graph graph;
  const Value s = graph.state("s", {70});
  Value y = add(graph, graph.input("x", {70}), s);
  for (int i = 0; i < 5; ++i) y = graph.apply(Unary{UnaryFunction::tanh}, {y});
  graph.update(s, y);
  graph.output("y", y);
  const Plan plan(graph, automatic());
  EXPECT_THAT(backends_of(plan), Each("fake"));
  EXPECT_THAT(plan.report().placement,
              HasSubstr("on fake, 0 on cpu: 260.0 us"));  // six steps and two copies
}

TEST(Placement, TheDefaultsKeepTinyNetworksHereAndSendLargeOnesToTheGpu) {
  const auto places = [](std::int64_t frames, std::int64_t channels) {
    Graph graph;
    Value y = graph.input("x", {1, frames, channels});
    for (int i = 0; i < 4; ++i) {
      y = graph.apply(Conv{{{3, 1, 1, 1, 1}}}, {y, random_constant(graph, {channels, 3, channels}),
                                                random_constant(graph, {channels})});
    }
    graph.output("y", y);
    PlanOptions options = automatic();
    options.tolerances = {};
    return backends_of(Plan(graph, options));
  };
  EXPECT_THAT(places(64, 8), Each("cpu"));
  EXPECT_THAT(places(4096, 128), Each("fake"));
}

TEST(Placement, CalibrationMeasuresBothDevices) {
  const std::shared_ptr<FakeDevice> device = std::make_shared<FakeDevice>();
  const auto backend = std::make_shared<FakeBackend>(FakeBackendOptions{.device = device});
  constexpr std::size_t kUnlikely = 123'456'789;
  ToleranceConfiguration figures;
  for (const auto member :
       {&ToleranceConfiguration::cpu_mflop_rate, &ToleranceConfiguration::cpu_mbyte_rate,
        &ToleranceConfiguration::gpu_mflop_rate, &ToleranceConfiguration::gpu_mbyte_rate,
        &ToleranceConfiguration::gpu_step_ns, &ToleranceConfiguration::gpu_round_ns,
        &ToleranceConfiguration::gpu_copy_ns, &ToleranceConfiguration::gpu_copy_mbyte_rate}) {
    figures.*member = kUnlikely;
  }
  ToleranceConfiguration measured = figures;
  measure_device_rates({}, measured);
  EXPECT_NE(measured.cpu_mflop_rate, kUnlikely);
  EXPECT_NE(measured.cpu_mbyte_rate, kUnlikely);
  EXPECT_EQ(measured.gpu_step_ns, kUnlikely);
  measure_device_rates(backend, measured);
  // The fake GPU is this processor: as fast, within what a busy machine does.
  EXPECT_NEAR(std::log10(static_cast<double>(measured.gpu_mflop_rate) /
                         static_cast<double>(measured.cpu_mflop_rate)),
              0, 1.5);
  EXPECT_NEAR(std::log10(static_cast<double>(measured.gpu_mbyte_rate) /
                         static_cast<double>(measured.cpu_mbyte_rate)),
              0, 1.5);
  for (const auto member :
       {&ToleranceConfiguration::gpu_step_ns, &ToleranceConfiguration::gpu_round_ns,
        &ToleranceConfiguration::gpu_copy_ns, &ToleranceConfiguration::gpu_copy_mbyte_rate}) {
    EXPECT_NE(measured.*member, kUnlikely);
  }
  EXPECT_EQ(device->allocations, 0);
}

/// The sum that the model reckons for the best of all placements.
std::int64_t least_of_all(const TimeModel& model, std::vector<int> places, std::size_t first) {
  if (first == places.size()) return model.nanoseconds(places);
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (const int place : {0, 1}) {
    places[first] = place;
    least = std::min(least, least_of_all(model, places, first + 1));
  }
  return least;
}

TEST(Placement, IsTheBestOfAllOverRandomGraphs) {
  std::mt19937 random(1);
  for (int round = 0; round < 60; ++round) {
    Graph graph;
    std::vector<Value> values{graph.input("x", {40}), graph.state("s", {40})};
    constexpr int kNodes = 9;
    for (int i = 0; i < kNodes; ++i) {
      const Value a = values[random() % values.size()];
      const Value b = values[random() % values.size()];
      values.push_back(random() % 2 == 0 ? graph.apply(Unary{UnaryFunction::tanh}, {a})
                                         : add(graph, a, b));
    }
    graph.update(values[1], values[2 + random() % kNodes]);
    graph.output("y", values.back());
    PlanOptions options = automatic();
    ToleranceConfiguration& f = options.tolerances;
    f.gpu_step_ns = 1 + random() % 60'000;
    f.gpu_copy_ns = 1 + random() % 60'000;
    const TimeModel model(graph, options.backends, {0, 1}, std::vector<std::optional<int>>(kNodes),
                          options);
    const std::vector<int> chosen = model.least();
    EXPECT_EQ(model.nanoseconds(chosen), least_of_all(model, std::vector<int>(kNodes), 0)) << round;
    EXPECT_EQ(model.least(), chosen);
  }
}

}  // namespace
}  // namespace metalaudio::nn
