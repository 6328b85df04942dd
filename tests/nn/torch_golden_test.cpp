#include <gtest/gtest.h>
#include <metalaudio/nn/io/state_file.h>
#include <metalaudio/nn/plan.h>

#include <cmath>

#include "tests/nn/graphs.h"
#include "tests/support/realtime_guard.h"
#include "tests/support/test_paths.h"

namespace metalaudio::nn {
namespace {

const std::map<std::string, Tensor>& goldens() {
  static const std::map<std::string, Tensor> tensors =
      load_state(golden_dir() / "nn" / "torch.safetensors").state;
  return tensors;
}
const Tensor& golden(const std::string& name) { return goldens().at(name); }

Value weight(Graph& graph, const std::string& name) { return graph.constant(golden(name)); }

/// PyTorch computed in float64; ours are sums of a few dozen float32 products, of the order of 1.
constexpr double kTolerance = 3e-6;

void expect_near(std::span<const float> y, const Tensor& expected, const std::string& name) {
  ASSERT_EQ(y.size(), expected.size()) << name;
  for (std::size_t i = 0; i < y.size(); ++i) {
    ASSERT_NEAR(y[i], expected.data()[i], kTolerance) << name << " " << i;
  }
}

/// The noise of tools/goldens/make_nn_goldens.py.
float stream_sample(std::uint64_t index) {
  for (int i = 0; i < 3; ++i) index = (index * 1103515245 + 12345) % (std::uint64_t{1} << 31U);
  return static_cast<float>(index >> 16U & 255U) / 128.0F - 1.0F;
}

constexpr std::size_t kStride = 997;
constexpr std::size_t kBlock = 3;

/// Runs blocks under the real-time guard and compares every kStride-th token of the whole sequence,
/// then the last states.
void expect_stream(const std::string& name, Plan& plan, std::size_t blocks) {
  const Tensor& expected = golden(name + ".y");
  const auto hidden = static_cast<std::size_t>(expected.shape().back());
  const std::span<float> x = plan.input("x").values_as<float>();
  const std::span<const float> y = plan.output("y").values_as<float>();
  std::size_t compared = 0;
  double worst = 0;
  for (std::size_t block = 0; block < blocks; ++block) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = stream_sample(block * x.size() + i);
    {
      const testing::RealtimeGuard guard;
      plan.run();
    }
    for (std::size_t token = 0; token < kBlock; ++token) {
      if ((block * kBlock + token) % kStride != 0) continue;
      for (std::size_t n = 0; n < hidden; ++n) {
        const double error = std::abs(y[token * hidden + n] - expected.data()[compared++]);
        worst = std::max(worst, error);
      }
    }
  }
  EXPECT_EQ(compared, expected.size());
  // The errors of past blocks fade; they do not add up.
  EXPECT_LT(worst, kTolerance);
}

TEST(TorchLstm, ASequenceInTenThousandBlocksEqualsTheWhole) {
  const std::string name = "lstm_stream";
  Graph graph;
  const Value x = graph.input("x", {1, kBlock, 2});
  const Value h = graph.state("h", {1, 1, 9});
  const Value c = graph.state("c", {1, 1, 9});
  const std::vector<Value> results = graph.apply_all(
      Lstm{}, {x, weight(graph, name + ".input_weight"), weight(graph, name + ".hidden_weight"),
               weight(graph, name + ".bias"), h, c});
  graph.update(h, results[1]);
  graph.update(c, results[2]);
  graph.output("y", results[0]);
  graph.output("h", results[1]);
  graph.output("c", results[2]);
  Plan plan(graph, {});
  for (int round = 0; round < 2; ++round) {
    expect_stream(name, plan, 10000);
    expect_near(output(plan, "h"), golden(name + ".hidden"), "hidden");
    expect_near(output(plan, "c"), golden(name + ".cell"), "cell");
    plan.reset();
  }
}

TEST(TorchGru, ASequenceInBlocksEqualsTheWhole) {
  const std::string name = "gru_stream";
  Graph graph;
  const Value x = graph.input("x", {1, kBlock, 2});
  const Value h = graph.state("h", {1, 1, 9});
  const std::vector<Value> results = graph.apply_all(
      Gru{}, {x, weight(graph, name + ".input_weight"), weight(graph, name + ".hidden_weight"),
              weight(graph, name + ".bias"), h});
  graph.update(h, results[1]);
  graph.output("y", results[0]);
  graph.output("h", results[1]);
  Plan plan(graph, {});
  expect_stream(name, plan, 1000);
  expect_near(output(plan, "h"), golden(name + ".hidden"), "hidden");
}

/// A layer that walks both ways, its whole sequence at once.
template <typename Layer>
void expect_both_ways(const std::string& name) {
  Graph graph;
  const Tensor& x = golden(name + ".x");
  std::vector<Value> inputs{graph.input("x", x.shape()), weight(graph, name + ".input_weight"),
                            weight(graph, name + ".hidden_weight")};
  Tensor bias = golden(name + ".bias");
  if constexpr (std::is_same_v<Layer, Rnn>) {
    const Shape& weights = golden(name + ".input_weight").shape();
    ASSERT_EQ(bias.shape(), (Shape{weights[0], weights[1]}));
  }
  inputs.push_back(graph.constant(std::move(bias)));
  Layer layer;
  layer.direction = Direction::both;
  const std::vector<Value> results = graph.apply_all(layer, inputs);
  const char* const names[] = {"y", "hidden", "cell"};
  for (std::size_t i = 0; i < results.size(); ++i) graph.output(names[i], results[i]);
  Plan plan(graph, {});
  std::copy(x.values().begin(), x.values().end(), plan.input("x").values_as<float>().begin());
  plan.run();
  for (std::size_t i = 0; i < results.size(); ++i) {
    expect_near(output(plan, names[i]), golden(name + "." + names[i]), names[i]);
  }
}

TEST(TorchLstm, WalksBothWays) { expect_both_ways<Lstm>("lstm_both"); }
TEST(TorchGru, WalksBothWays) { expect_both_ways<Gru>("gru_both"); }
TEST(TorchRnn, WalksBothWays) { expect_both_ways<Rnn>("rnn_both"); }

TEST(OnnxGru, AppliesItsResetGateBeforeOrAfterTheProduct) {
  const std::map<std::string, Tensor> onnx =
      load_state(golden_dir() / "nn" / "onnx_gru.safetensors").state;
  for (const bool after : {false, true}) {
    Graph graph;
    const Value x = graph.input("x", onnx.at("x").shape());
    Gru gru;
    gru.reset_after = after;
    const std::vector<Value> results = graph.apply_all(
        gru, {x, graph.constant(onnx.at("input_weight")), graph.constant(onnx.at("hidden_weight")),
              graph.constant(onnx.at("bias")), graph.constant(onnx.at("initial"))});
    graph.output("y", results[0]);
    graph.output("last", results[1]);
    Plan plan(graph, {});
    const std::span<const float> samples = onnx.at("x").values();
    std::copy(samples.begin(), samples.end(), plan.input("x").values_as<float>().begin());
    plan.run();
    expect_near(output(plan, "y"), onnx.at(after ? "y1" : "y0"), "y");
    expect_near(output(plan, "last"), onnx.at(after ? "last1" : "last0"), "last");
  }
}

/// Runs one operation on goldens as inputs.
std::vector<float> run(const Operation& operation, const std::vector<std::string>& inputs) {
  Graph graph;
  std::vector<Value> values;
  for (const std::string& name : inputs) values.push_back(graph.input(name, golden(name).shape()));
  graph.output("y", graph.apply(operation, values));
  Plan plan(graph, {});
  for (const std::string& name : inputs) {
    const std::span<const float> from = golden(name).values();
    std::copy(from.begin(), from.end(), plan.input(name).values_as<float>().begin());
  }
  plan.run();
  return output(plan);
}

TEST(TorchRmsNorm, BothForms) {
  const std::vector<std::string> inputs = {"rms_norm.x", "rms_norm.gamma"};
  expect_near(run(RmsNorm{1, RmsForm::mean_square, 1e-5F}, inputs), golden("rms_norm.mean_square"),
              "mean square");
  expect_near(run(RmsNorm{1, RmsForm::l2, 1e-12F}, inputs), golden("rms_norm.l2"), "l2");
}

TEST(TorchRotary, InterleavedPairsAlongTheTimeOfFourAxes) {
  Graph graph;
  const Tensor& x = golden("rotary.x");
  const Value frequencies = weight(graph, "rotary.frequencies");
  graph.output(
      "y", graph.apply(Rotary{.heads = 2, .axis = 1}, {graph.input("x", x.shape()), frequencies}));
  Plan plan(graph, {});
  std::copy(x.values().begin(), x.values().end(), plan.input("x").values_as<float>().begin());
  plan.run();
  expect_near(output(plan), golden("rotary.y"), "rotary");
}

TEST(TorchAttention, AlongEitherAxisOfFour) {
  const std::vector<std::string> qkv = {"attention.q", "attention.k", "attention.v"};
  expect_near(run(Attention{.heads = 2, .axis = 1}, qkv), golden("attention.time"), "time");
  expect_near(run(Attention{.heads = 2, .axis = 2}, qkv), golden("attention.bands"), "bands");
  expect_near(run(Attention{.heads = 2, .axis = 1, .causal = true}, qkv),
              golden("attention.causal"), "causal");
  expect_near(run(Attention{.heads = 2, .axis = 2, .scale = 0.3F}, qkv), golden("attention.scaled"),
              "scaled");
  expect_near(run(Attention{.heads = 2, .axis = 1},
                  {"attention.q", "attention.k", "attention.v", "attention.mask"}),
              golden("attention.masked"), "masked");
}

}  // namespace
}  // namespace metalaudio::nn
