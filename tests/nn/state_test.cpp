#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/nn/plan.h>

#include "tests/nn/graphs.h"
#include "tests/parity/reference.h"

namespace metalaudio::nn {
namespace {

using ::testing::ElementsAre;

Tensor numbers(std::initializer_list<float> values) {
  Tensor tensor({static_cast<std::int64_t>(values.size())});
  std::copy(values.begin(), values.end(), tensor.values().begin());
  return tensor;
}

/// A sum of all that came in, from 100 on; the state is an output as well.
Graph running_sum() {
  Graph graph;
  const Value x = graph.input("x", {2});
  const Value sum = graph.state("sum", numbers({100, 200}));
  const Value next = add(graph, sum, x);
  graph.update(sum, next);
  graph.output("before", sum);
  graph.output("y", next);
  return graph;
}

void run(Plan& plan, float a, float b) {
  const std::span<float> x = plan.input("x").values_as<float>();
  x[0] = a;
  x[1] = b;
  plan.run();
}

TEST(PlanState, CarriesFromRunToRunAndResets) {
  Plan plan(running_sum(), {});
  for (int round = 0; round < 2; ++round) {
    for (int i = 1; i <= 5; ++i) {
      run(plan, 1, 2);
      EXPECT_THAT(output(plan), ElementsAre(100 + i, 200 + 2 * i));
      EXPECT_THAT(output(plan, "before"), ElementsAre(99 + i, 198 + 2 * i));
    }
    plan.reset();
  }
  // Two halves that swap.
  EXPECT_EQ(plan.statistics().state_bytes, 2 * 2 * sizeof(float));
}

TEST(PlanState, SwapsRatherThanCopies) {
  Graph graph;
  const Value x = graph.input("x", {2});
  const Value sum = graph.state("sum", {2});
  graph.update(sum, add(graph, sum, x));
  graph.output("y", multiply(graph, sum, constant(graph, {1}, 2)));
  Plan plan(graph, {});
  EXPECT_EQ(plan.statistics().copies, 0U);
  for (int i = 0; i < 4; ++i) {
    run(plan, 1, 3);
    EXPECT_THAT(output(plan), ElementsAre(2 * i, 6 * i));
  }
}

/// Runs the graph and the reference side by side over some blocks, and over some more from reset().
void expect_as_reference(const Graph& graph) {
  for (const bool simplify : {true, false}) {
    PlanOptions options;
    options.simplify = simplify;
    Plan plan(graph, options);
    ReferencePlan reference(graph);
    for (unsigned block = 0; block < 10; ++block) {
      if (block == 5) {
        plan.reset();
        reference.reset();
      }
      std::map<std::string, ReferenceValue> inputs;
      for (const auto& [name, value] : graph.inputs()) {
        fill(plan, name, block * 10 + static_cast<unsigned>(value.index));
        inputs[name] = reference_value(plan.input(name));
      }
      plan.run();
      for (const auto& [name, expected] : reference.run(inputs)) {
        const std::vector<float> y = output(plan, name);
        ASSERT_EQ(y.size(), expected.values.size());
        for (std::size_t i = 0; i < y.size(); ++i) {
          ASSERT_NEAR(y[i], static_cast<double>(expected.values[i]),
                      1e-5 * std::max(1.0, std::abs(static_cast<double>(expected.values[i]))))
              << name << " " << block;
        }
      }
    }
  }
}

TEST(PlanState, TwoStatesMayHaveTheSameSuccessor) {
  Graph graph;
  const Value x = graph.input("x", {3});
  const Value a = graph.state("a", {3});
  const Value b = graph.state("b", numbers({1, 2, 3}));
  const Value next = add(graph, x, multiply(graph, a, b));
  graph.update(a, next);
  graph.update(b, next);
  graph.output("y", next);
  graph.output("a", a);
  graph.output("b", b);
  expect_as_reference(graph);
}

TEST(PlanState, AStateThatNothingReplacesStaysAsItIs) {
  Graph graph;
  const Value x = graph.input("x", {3});
  const Value fixed = graph.state("fixed", numbers({1, 2, 3}));
  const Value unused = graph.state("unused", numbers({4, 5}));
  graph.output("y", add(graph, x, fixed));
  graph.output("fixed", fixed);
  graph.output("unused", unused);
  expect_as_reference(graph);
}

TEST(PlanState, AnInputAConstantAndAReshapeMayReplaceIt) {
  Graph graph;
  const Value x = graph.input("x", {2, 3});
  const Value last = graph.state("last", {2, 3});
  graph.update(last, x);
  const Value flat = graph.state("flat", {6});
  graph.update(flat, reshape(graph, x, {6}));
  const Value made = graph.state("made", {6});
  graph.update(made, reshape(graph, add(graph, x, last), {6}));
  const Value first = graph.state("first", {2, 3});
  graph.update(first, constant(graph, {2, 3}, 8));
  const Value itself = graph.state("itself", numbers({1, 2}));
  graph.update(itself, graph.apply(Unary{}, {reshape(graph, reshape(graph, itself, {2, 1}), {2})}));
  for (const auto& [name, value] : {std::pair{"last", last},
                                    {"flat", flat},
                                    {"made", made},
                                    {"first", first},
                                    {"itself", itself}}) {
    graph.output(name, value);
  }
  expect_as_reference(graph);
}

TEST(PlanState, StatesMayPassTheirValuesOn) {
  Graph graph;
  const Value x = graph.input("x", {3});
  const Value a = graph.state("a", {3});
  const Value b = graph.state("b", numbers({1, 2, 3}));
  const Value c = graph.state("c", numbers({4, 5, 6}));
  // A delay line, and two that exchange theirs.
  graph.update(a, x);
  graph.update(b, a);
  graph.update(c, b);
  const Value p = graph.state("p", numbers({1, 2}));
  const Value q = graph.state("q", numbers({3, 4}));
  graph.update(p, q);
  graph.update(q, p);
  graph.output("y", add(graph, a, c));
  graph.output("p", p);
  graph.output("c", c);
  expect_as_reference(graph);
}

TEST(PlanState, AStateMayHaveNoElements) {
  Graph graph;
  const Value x = graph.input("x", {2, 0});
  const Value s = graph.state("s", {2, 0});
  graph.update(s, add(graph, s, x));
  graph.output("y", s);
  expect_as_reference(graph);
}

TEST(PlanState, AContextOfPastSamplesMakesAConvolutionCausal) {
  Graph graph;
  const Value x = graph.input("x", {1, 4, 2});
  const Value past = graph.state("past", {1, 2, 2});
  const Value seen = graph.apply(Concat{1}, {past, x});
  graph.update(past, graph.apply(Slice{{0, 4, 0}, {1, 2, 2}}, {seen}));
  graph.output("y",
               gelu(graph, graph.apply(Conv{{{3}}}, {seen, random_constant(graph, {5, 3, 2})})));
  expect_as_reference(graph);
}

}  // namespace
}  // namespace metalaudio::nn
