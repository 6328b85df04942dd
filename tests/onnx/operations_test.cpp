#include <gtest/gtest.h>
#include <metalaudio/nn/io/onnx/call.h>
#include <metalaudio/nn/io/onnx/import_onnx.h>
#include <metalaudio/nn/plan.h>

#include <limits>

#include "tests/onnx/model_builder.h"
#include "tests/support/test_folder.h"

namespace metalaudio::nn {
namespace {

// Operations on numbers that are worked out by hand; x is the only input.
using Numbers = std::vector<double>;

Numbers run(const ModelBuilder& model, std::vector<float> x) {
  const std::string bytes = model.bytes();
  const Graph graph = import_onnx(as_bytes(bytes), {});
  Plan plan(graph, {});
  for (const auto& [name, value] : graph.inputs()) {
    copy(ConstTensorView(std::span<const float>(x), graph.shape(value)), plan.input(name));
  }
  plan.run();
  const ConstTensorView y = plan.output(graph.outputs()[0].first);
  Tensor tensor(y.shape(), y.type());
  tensor.copy_from(y);
  return numbers_of(tensor);
}

/// x of this many numbers, as a narrow type and back.
Numbers through(int onnx_type, std::vector<float> x, std::int64_t saturate = 1) {
  ModelBuilder model(23);
  model.input("x", {static_cast<std::int64_t>(x.size())}).output("y");
  onnx::NodeProto& there = model.node("Cast", {"x"}, {"narrow"});
  set_attribute(there, "to", std::int64_t{onnx_type});
  set_attribute(there, "saturate", saturate);
  set_attribute(model.node("Cast", {"narrow"}, {"y"}), "to", std::int64_t{1});
  return run(model, std::move(x));
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(OnnxOperations, RoundToFloat8AsItsBitsHaveIt) {
  // Steps of 1/8 from 1 to 2, of 2^-9 near zero, ties to even, the greatest number 448.
  EXPECT_EQ(through(17, {1.0625F, 1.1875F, 0x1.4p-9F, -0x1p-10F, 464, -999, kInfinity}),
            (Numbers{1, 1.25, 0x1p-9, 0, 448, -448, 448}));
  EXPECT_EQ(through(19, {1.125F, 1.375F, 60000, 70000, -kInfinity}),
            (Numbers{1, 1.5, 57344, 57344, -57344}));
}

TEST(OnnxOperations, LeaveTheRangeOfFloat8WhereTheyAreNotHeldThere) {
  EXPECT_EQ(through(19, {70000, -kInfinity}, 0), (Numbers{kInfinity, -kInfinity}));
  EXPECT_TRUE(std::isnan(through(17, {999}, 0)[0]));
  EXPECT_TRUE(std::isnan(through(18, {-999}, 0)[0]));
}

TEST(OnnxOperations, KeepTheLowerBitsOfNarrowIntegers) {
  EXPECT_EQ(through(22, {-9, -8, 7, 8}), (Numbers{7, -8, 7, -8}));
  EXPECT_EQ(through(21, {-9, 15, 17}), (Numbers{7, 15, 1}));
  EXPECT_EQ(through(26, {1, 2, -3}), (Numbers{1, -2, 1}));
}

TEST(OnnxOperations, SliceBackwardsFromBeforeTheFirstElementTakesIt) {
  ModelBuilder model(13);
  model.input("x", {5}).output("y").integers("start", {1}, {-9}).integers("end", {1}, {-99});
  model.integers("axis", {1}, {0}).integers("step", {1}, {-9});
  model.node("Slice", {"x", "start", "end", "axis", "step"}, {"y"});
  EXPECT_EQ(run(model, {1, 2, 3, 4, 5}), (Numbers{1}));
}

TEST(OnnxOperations, HardmaxOfNothingIsNothing) {
  ModelBuilder model(13);
  model.input("x", {0, 3}).output("y");
  set_attribute(model.node("Hardmax", {"x"}, {"y"}), "axis", std::int64_t{0});
  EXPECT_EQ(run(model, {}), Numbers{});
}

TEST(OnnxOperations, MultiplyOneAfterAnother) {
  ModelBuilder model(26);
  model.input("x", {4}).output("y").integers("axis", {}, {0});
  onnx::NodeProto& node = model.node("CumProd", {"x", "axis"}, {"y"});
  set_attribute(node, "exclusive", std::int64_t{1});
  set_attribute(node, "reverse", std::int64_t{1});
  EXPECT_EQ(run(model, {2, 3, 4, 5}), (Numbers{60, 20, 5, 1}));
}

TEST(OnnxOperations, LeaveOutIgnoredTargetsOfALoss) {
  ModelBuilder model(13);
  model.input("x", {3, 2}).output("y").integers("target", {3}, {1, 7, 0});
  set_attribute(model.node("NegativeLogLikelihoodLoss", {"x", "target"}, {"y"}), "ignore_index",
                std::int64_t{7});
  EXPECT_EQ(run(model, {1, 2, 3, 4, 6, 5}), (Numbers{-4}));
}

TEST(OnnxOperations, SampleBetweenPixelsAndBeyondTheBorder) {
  ModelBuilder model(22);
  model.input("x", {1, 1, 1, 2}).output("y");
  // Columns −0.5 (half of it outside), 0.5 (between both) and 2 (beyond the last).
  model.floats("grid", {1, 1, 3, 2}, {-1, 0, 0, 0, 1.5, 0});
  set_attribute(model.node("GridSample", {"x", "grid"}, {"zeros"}), "mode", "linear");
  onnx::NodeProto& border = model.node("GridSample", {"x", "grid"}, {"border"});
  set_attribute(border, "padding_mode", "border");
  set_attribute(model.node("Concat", {"zeros", "border"}, {"y"}), "axis", std::int64_t{3});
  EXPECT_EQ(run(model, {4, 8}), (Numbers{2, 6, 0, 4, 6, 8}));
}

TEST(OnnxOperations, CarryTheEndOfACausalConvolution) {
  ModelBuilder model(27);
  model.input("x", {1, 1, 3}).output("y");
  model.floats("w", {1, 1, 3}, {1, 10, 100}).floats("past", {1, 1, 2}, {1, 2});
  model.node("CausalConvWithState", {"x", "w", "", "past"}, {"out", "state"});
  set_attribute(model.node("Concat", {"out", "state"}, {"y"}), "axis", std::int64_t{2});
  EXPECT_EQ(run(model, {3, 4, 5}), (Numbers{321, 432, 543, 4, 5}));
}

TEST(OnnxOperations, RememberByLinearAttention) {
  ModelBuilder model(27);
  model.input("x", {1, 2, 1}).output("y");  // the values; keys and queries are 1
  model.floats("one", {1, 2, 1}, {1, 1}).floats("decay", {1, 2, 1}, {0, -0.693147180559945F});
  onnx::NodeProto& node =
      model.node("LinearAttention", {"one", "one", "x", "", "decay"}, {"y", "state"});
  set_attribute(node, "q_num_heads", std::int64_t{1});
  set_attribute(node, "kv_num_heads", std::int64_t{1});
  set_attribute(node, "update_rule", "gated");
  const Numbers y = run(model, {4, 8});
  EXPECT_EQ(y[0], 4);
  EXPECT_NEAR(y[1], 10, 1e-5);  // half of 4 and 8; the half is the exponential of a float
}

}  // namespace
}  // namespace metalaudio::nn
