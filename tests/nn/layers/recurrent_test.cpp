#include <gtest/gtest.h>
#include <metalaudio/nn/layers/activation.h>
#include <metalaudio/nn/layers/gru.h>
#include <metalaudio/nn/layers/linear.h>
#include <metalaudio/nn/layers/lstm.h>
#include <metalaudio/nn/layers/norm.h>
#include <metalaudio/nn/layers/sequence.h>
#include <metalaudio/nn/layers/sequential.h>
#include <metalaudio/nn/layers/stream.h>

#include "tests/nn/layers/expect_error.h"
#include "tests/nn/layers/goldens.h"
#include "tests/support/realtime_guard.h"

namespace metalaudio::nn::layers {
namespace {

TEST(Lstm, EqualsPyTorch) {
  expect_golden(Lstm({.input_size = 5, .hidden_size = 7}), "lstm");
  expect_golden(Lstm({.input_size = 3, .hidden_size = 4, .bias = false}), "lstm_no_bias");
}

TEST(Gru, EqualsPyTorch) {
  expect_golden(Gru({.input_size = 5, .hidden_size = 7}), "gru");
  expect_golden(Gru({.input_size = 3, .hidden_size = 4, .bias = false}), "gru_no_bias");
}

TEST(Gru, HasTheOtherFormOfItsBias) {
  expect_golden(Gru({.input_size = 3, .hidden_size = 4}, false), "gru_reset_before");
}

const RecurrentOptions kDeep{
    .input_size = 4, .hidden_size = 5, .num_layers = 2, .bidirectional = true};

void expect_states(const RecurrentLayer& layer, const std::string& name, std::size_t states) {
  Inputs inputs{{"x", golden(name, "x")}};
  for (std::size_t i = 0; i < states; ++i) {
    inputs["s" + std::to_string(i)] = golden(name, "state" + std::to_string(i));
  }
  const auto results = run_graph(inputs, [&](Graph& graph, const auto& values) {
    std::vector<Value> initial;
    for (std::size_t i = 0; i < states; ++i) initial.push_back(values.at("s" + std::to_string(i)));
    const auto made = layer.write_with_states(Scope{graph}, values.at("x"), initial);
    graph.output("y", made.y);
    for (std::size_t i = 0; i < states; ++i) {
      graph.output("last" + std::to_string(i), made.states[i]);
    }
  });
  for (const auto& [part, value] : results) {
    EXPECT_LT(difference(value, golden(name, part)), kClose) << name << " " << part;
  }
}

TEST(Lstm, TakesAndGivesTheStatesOfAllLayersAndDirections) {
  Lstm layer(kDeep);
  layer.load(golden_weights("lstm_deep"));
  expect_states(layer, "lstm_deep", 2);
}

TEST(Gru, TakesAndGivesTheStatesOfAllLayersAndDirections) {
  Gru layer(kDeep);
  layer.load(golden_weights("gru_deep"));
  expect_states(layer, "gru_deep", 1);
}

TEST(Lstm, StreamsWhatItGivesOffline) {
  expect_streams_golden(Lstm({.input_size = 5, .hidden_size = 7}), "lstm");
}

TEST(Gru, StreamsWhatItGivesOffline) {
  expect_streams_golden(Gru({.input_size = 5, .hidden_size = 7}), "gru");
}

TEST(Lstm, RefusesToStreamBackwards) {
  Lstm layer(kDeep);
  layer.load(golden_weights("lstm_deep"));
  expect_error(ErrorCode::unsupported, "both directions need the whole sequence",
               [&] { Stream(layer, {.channels = 4}); });
}

/// Sequences of several lengths after one prewarm, with the states carried, equal PyTorch.
void expect_sequences(Sequence& sequence, const std::string& name) {
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 3; ++i) {
      const Tensor& x = golden(name, "x" + std::to_string(i));
      const Tensor& expected = golden(name, "y" + std::to_string(i));
      Tensor y(expected.shape());
      {
        const testing::RealtimeGuard guard;
        sequence.run(x.values(), y.values());
      }
      EXPECT_LT(difference(y, expected), kClose) << name << " " << i;
    }
    sequence.reset();
  }
}

TEST(Lstm, RunsEverySequenceUpToItsPrewarmedLength) {
  Lstm layer(kDeep);
  layer.load(golden_weights("lstm_sequences"));
  Sequence sequence(layer, 4);
  sequence.prewarm(40);
  expect_sequences(sequence, "lstm_sequences");
}

TEST(Gru, RunsEverySequenceUpToItsPrewarmedLength) {
  Gru layer(kDeep);
  layer.load(golden_weights("gru_sequences"));
  Sequence sequence(layer, 4);
  sequence.prewarm(12);
  expect_sequences(sequence, "gru_sequences");
}

TEST(Sequence, KeepsItsStatesWhenItIsPrewarmedForMore) {
  Lstm layer(kDeep);
  layer.load(golden_weights("lstm_sequences"));
  Sequence sequence(layer, 4);
  for (int i = 0; i < 3; ++i) {
    const Tensor& x = golden("lstm_sequences", "x" + std::to_string(i));
    const Tensor& expected = golden("lstm_sequences", "y" + std::to_string(i));
    sequence.prewarm(x.shape()[1]);
    Tensor y(expected.shape());
    sequence.run(x.values(), y.values());
    EXPECT_LT(difference(y, expected), kClose) << i;
  }
}

TEST(Sequence, RefusesLayersThatWouldReadBeyondTheEnd) {
  expect_error(ErrorCode::invalid_argument, "0 tokens",
               [] { Sequence(Activation(UnaryFunction::relu), 4).prewarm(0); });
  Sequential model;
  model.add(GroupNorm({1, 4}));
  expect_error(ErrorCode::unsupported, "[GroupNorm(1, 4)] 0: it needs the whole signal",
               [&] { Sequence(std::move(model), 4); });
}

TEST(Lstm, RefusesAWrongState) {
  Lstm layer(kDeep);
  layer.load(golden_weights("lstm_deep"));
  Graph graph;
  const Value x = graph.input("x", {2, 3, 4});
  const Value h = graph.input("h", {2, 2, 5});
  expect_error(ErrorCode::invalid_argument, "a state is [2, 2, 5], expected [4, 2, 5]",
               [&] { layer.write_with_states(Scope{graph}, x, {h}); });
}

}  // namespace
}  // namespace metalaudio::nn::layers
