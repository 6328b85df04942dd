#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/nn/graph_inference.h>

#include <cmath>
#include <limits>
#include <thread>

#include "tests/onnx/model_builder.h"
#include "tests/support/realtime_guard.h"
#include "tests/support/test_folder.h"

namespace metalaudio::nn {
namespace {

/// next = state + x, y = next / scale.
ModelBuilder accumulator() {
  ModelBuilder model;
  model.input("x", {4}).input("state", {4}).input("scale", {}).output("y").output("next");
  model.node("Add", {"x", "state"}, {"next"});
  model.node("Div", {"next", "scale"}, {"y"});
  return model;
}

GraphInference make(const ModelBuilder& model, const GraphInferenceOptions& options) {
  const std::string bytes = model.bytes();
  return GraphInference(as_bytes(bytes), options);
}

GraphInferenceOptions linked() {
  GraphInferenceOptions options;
  options.bind_constant("scale", 2).link_state("next", "state");
  return options;
}

float step(GraphInference& model, float value) {
  const std::vector<float> in(4, value);
  std::vector<float> out(4, -1);
  const testing::RealtimeGuard guard;
  model.predict(in, out);
  return out[3];
}

TEST(GraphInference, LeavesOnlyWhatIsNotBoundOrLinkedToItsCaller) {
  const GraphInference model = make(accumulator(), linked());
  ASSERT_EQ(model.inputs().size(), 1U);
  EXPECT_EQ(model.inputs()[0].name, "x");
  ASSERT_EQ(model.outputs().size(), 1U);
  EXPECT_EQ(model.outputs()[0].name, "y");
}

TEST(GraphInference, CarriesAStateFromStepToStepUntilReset) {
  GraphInference model = make(accumulator(), linked());
  for (int i = 1; i <= 5; ++i) EXPECT_EQ(step(model, 2), static_cast<float>(i));
  {
    const testing::RealtimeGuard guard;
    model.reset();
  }
  EXPECT_EQ(step(model, 2), 1);
}

TEST(GraphInference, BeginsAStateWithTheValueThatItIsGiven) {
  Tensor initial({4});
  for (float& value : initial.values()) value = 10;
  GraphInferenceOptions options;
  options.bind_constant("scale", 2).link_state("next", "state", initial);
  GraphInference model = make(accumulator(), options);
  EXPECT_EQ(step(model, 2), 6);
  model.reset();
  EXPECT_EQ(step(model, 2), 6);
}

TEST(GraphInference, CopiesAStateIntoAnOutputWhereBothAreWanted) {
  GraphInferenceOptions options = linked();
  options.model.states[0].keep_output = true;
  GraphInference model = make(accumulator(), options);
  ASSERT_EQ(model.outputs().size(), 2U);
  const std::vector<float> in(4, 3);
  std::vector<float> y(4);
  std::vector<float> next(4);
  const ConstTensorView from(std::span<const float>(in), Shape{4});
  const std::vector<TensorView> to{{std::span<float>(y), Shape{4}},
                                   {std::span<float>(next), Shape{4}}};
  for (int i = 1; i <= 3; ++i) {
    model.predict(std::span(&from, 1), to);
    EXPECT_EQ(next[0], 3.0F * static_cast<float>(i));
    EXPECT_EQ(y[0], 1.5F * static_cast<float>(i));
  }
}

TEST(GraphInference, ClonesHaveStatesOfTheirOwn) {
  GraphInference model = make(accumulator(), linked());
  step(model, 2);
  GraphInference other = model.clone();
  EXPECT_EQ(step(other, 2), 1);
  EXPECT_EQ(step(model, 2), 2);
}

TEST(GraphInference, ClonesRunOnThreadsOfTheirOwn) {
  const GraphInference model = make(accumulator(), linked());
  std::vector<GraphInference> clones;
  for (int i = 0; i < 8; ++i) clones.push_back(model.clone());
  std::vector<std::thread> threads;
  for (GraphInference& clone : clones) {
    threads.emplace_back([&clone] {
      for (int i = 0; i < 999; ++i) step(clone, 2);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (GraphInference& clone : clones) EXPECT_EQ(step(clone, 2), 1000);
}

TEST(GraphInference, ReplacesWhatIsNotFiniteWithSilenceAndSaysSo) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  GraphInferenceOptions options = linked();
  GraphInference open = make(accumulator(), options);
  EXPECT_TRUE(std::isnan(step(open, kNaN)));
  EXPECT_TRUE(std::isnan(step(open, 2)));
  open.reset();
  EXPECT_EQ(step(open, 2), 1);
  EXPECT_EQ(open.status().peek(), Trouble::none);
  options.guard = true;
  GraphInference guarded = make(accumulator(), options);
  EXPECT_EQ(step(guarded, 2), 1);
  EXPECT_EQ(step(guarded, kNaN), 0);
  EXPECT_EQ(guarded.status().take(), Trouble::output_silenced);
  EXPECT_EQ(step(guarded, 2), 1);  // from the beginning
  EXPECT_EQ(step(guarded, 2), 2);
  EXPECT_EQ(guarded.status().peek(), Trouble::none);
}

TEST(GraphInference, KeepsItsMemoryUnlessTheListenerSaysOtherwise) {
  GraphInference model = make(accumulator(), linked());
  step(model, 2);
  model.relieve(PressureLevel::critical);
  EXPECT_EQ(step(model, 2), 2);
}

TEST(GraphInference, WritesSilenceFromDroppingItsMemoryToPreparingIt) {
  GraphInferenceOptions options = linked();
  options.on_memory_pressure = [](PressureLevel level) {
    return level == PressureLevel::critical ? MemoryAnswer::drop : MemoryAnswer::keep;
  };
  GraphInference model = make(accumulator(), options);
  model.relieve(PressureLevel::warning);
  EXPECT_EQ(step(model, 2), 1);
  model.relieve(PressureLevel::critical);
  EXPECT_EQ(step(model, 2), 0);
  EXPECT_EQ(model.status().take(), Trouble::memory_dropped);
  model.reset();
  model.prepare();
  EXPECT_EQ(step(model, 2), 1);
  model.prepare();
  EXPECT_EQ(step(model, 2), 2);
}

TEST(GraphInference, MayBeDroppedAndPreparedWhileItRuns) {
  GraphInference model = make(accumulator(), linked());
  std::thread control([&] {
    for (int i = 0; i < 200; ++i) {
      model.drop_memory();
      model.prepare();
    }
  });
  for (int i = 0; i < 20'000; ++i) step(model, 2);
  control.join();
  model.reset();
  EXPECT_EQ(step(model, 2), 1);
}

/// One LSTM without an initial state, of weights that make it remember.
ModelBuilder recurrent_model() {
  ModelBuilder model(14);
  model.input("x", {1, 1, 1}).output("y");
  model.floats("W", {1, 4, 1}, {1, 1, 1, 1}).floats("R", {1, 4, 1}, {0.5, 0.5, 0.5, 0.5});
  set_attribute(model.node("LSTM", {"x", "W", "R"}, {"y"}), "hidden_size", std::int64_t{1});
  return model;
}

TEST(GraphInference, CarriesTheConstantStateOfALayerWhereThatIsWanted) {
  const auto second_of = [](bool carry) {
    GraphInferenceOptions options;
    options.carry_states(carry);
    GraphInference model = make(recurrent_model(), options);
    const std::vector<float> in{1};
    std::vector<float> first(1);
    std::vector<float> second(1);
    model.predict(in, first);
    model.predict(in, second);
    return std::pair(first[0], second[0]);
  };
  EXPECT_EQ(second_of(false).first, second_of(false).second);
  EXPECT_GT(second_of(true).second, second_of(true).first);
}

TEST(GraphInference, SaysWhatItTakesAndShowsItsSteps) {
  const GraphInference model = make(accumulator(), linked());
  EXPECT_GE(model.memory_usage(), 3 * 4 * sizeof(float));
  EXPECT_EQ(model.profile().steps.size(), 2U);
  EXPECT_NE(model.to_dot().find("digraph"), std::string::npos);
}

}  // namespace
}  // namespace metalaudio::nn
