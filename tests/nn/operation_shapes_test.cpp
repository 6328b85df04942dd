#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/nn/graph/graph.h>

#include <vector>

namespace metalaudio::nn {
namespace {

Value indices(Graph& graph, const std::vector<std::int64_t>& values) {
  Tensor tensor({static_cast<std::int64_t>(values.size())}, DataType::i64);
  std::copy(values.begin(), values.end(), tensor.values_as<std::int64_t>().begin());
  return graph.constant(std::move(tensor));
}

/// An operation of a [3, 4] and what stands behind it in the list of inputs.
void expect_refused(const Operation& operation, std::vector<Value> more, Graph& graph,
                    const char* reason) {
  more.insert(more.begin(), graph.input("x" + std::to_string(graph.inputs().size()), {3, 4}));
  EXPECT_THAT([&] { graph.apply_all(operation, more); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr(reason)));
}

TEST(OperationShapes, ConstantIndicesOutOfRangeAreRefused) {
  for (const std::int64_t wrong : {3L, -4L, INT64_MAX, INT64_MIN}) {
    Graph graph;
    expect_refused(Gather{0}, {indices(graph, {0, wrong})}, graph, "out of 3");
  }
  Graph graph;
  expect_refused(GatherNd{}, {indices(graph, {2, 4})}, graph, "index 4 out of 4");
  expect_refused(ScatterNd{}, {indices(graph, {2, 4}), graph.input("u", {})}, graph, "out of 4");
  expect_refused(Gather{0}, {graph.input("i", {2}, DataType::f32)}, graph, "i32 or i64");
  graph.apply(Gather{0}, {graph.input("x", {3, 4}), indices(graph, {-3, 2})});
}

TEST(OperationShapes, NothingCanBeGatheredFromNothing) {
  Graph graph;
  const Value empty = graph.input("x", {0, 4});
  EXPECT_THROW(graph.apply(Gather{0}, {empty, graph.input("i", {2}, DataType::i64)}), Error);
  EXPECT_THROW(graph.apply(ArgReduce{0}, {empty}), Error);
  graph.apply(Gather{0}, {empty, graph.input("none", {0}, DataType::i64)});
}

TEST(OperationShapes, AttributesThatDoNotFitAreRefused) {
  Graph graph;
  expect_refused(Reduce{ReduceFunction::sum, {2}}, {}, graph, "axis 2");
  expect_refused(Reduce{ReduceFunction::sum, {1, 1}}, {}, graph, "axis 1");
  expect_refused(CumSum{2}, {}, graph, "axis 2");
  expect_refused(TopK{-1, 5}, {}, graph, "5 of");
  expect_refused(TopK{-1, -1}, {}, graph, "-1 of");
  expect_refused(Pool{PoolFunction::maximum, {{5}}}, {}, graph, "smaller than the kernel");
  expect_refused(Pool{PoolFunction::maximum, {{2, 1, 1, -1, 0}}}, {}, graph, "padding -1");
  expect_refused(Pool{PoolFunction::average, {{2}}, false, 2, true}, {}, graph, "indices of");
  expect_refused(Pool{PoolFunction::lp, {{2}}, false, 0}, {}, graph, "p 0");
  expect_refused(Quantize{1, DataType::f16}, {graph.input("s1", {})}, graph, "u8, i8");
  expect_refused(Quantize{1}, {graph.input("s2", {3})}, graph, "scale is [3]");
  expect_refused(Dft{}, {}, graph, "1 (real) or 2 (complex)");
  Resize resize;
  resize.shape = {3, 4, 5};
  expect_refused(resize, {}, graph, "[3, 4, 5]");
  resize.shape = {6, 8};
  resize.scales = {2, -2};
  expect_refused(resize, {}, graph, "scale -2");
}

TEST(OperationShapes, ResultsAreAsOnnxSays) {
  Graph graph;
  const Value x = graph.input("x", {2, 9, 5});
  const auto shape = [&](const Operation& operation, std::vector<Value> inputs) {
    return graph.shape(graph.apply_all(operation, std::move(inputs)).front());
  };
  EXPECT_EQ(shape(Reduce{ReduceFunction::mean, {0, 2}, true}, {x}), Shape({1, 9, 1}));
  EXPECT_EQ(shape(Reduce{ReduceFunction::mean, {0, 2}, false}, {x}), Shape({9}));
  EXPECT_EQ(shape(ArgReduce{1}, {x}), Shape({2, 5}));
  EXPECT_EQ(shape(OneHot{0, 7}, {x, graph.input("v", {2})}), Shape({7, 2, 9, 5}));
  EXPECT_EQ(shape(Pool{PoolFunction::maximum, {{3, 2, 1, 0, 0}}, false, 2, false, {1}}, {x}),
            Shape({2, 4, 5}));
  const Value signal = graph.input("s", {1, 100, 1});
  EXPECT_EQ(shape(Stft{16, 8, true}, {signal}), Shape({1, 11, 9, 2}));
  EXPECT_EQ(shape(Dft{1, false, true}, {signal}), Shape({1, 51, 2}));
  EXPECT_EQ(shape(Dft{1, false, false, 64}, {signal}), Shape({1, 64, 2}));
  const Value half = graph.input("h", {1, 51, 2});
  EXPECT_EQ(shape(Dft{1, true, true}, {half}), Shape({1, 100, 1}));
}

TEST(OperationShapes, RecurrentOptionsThatDoNotFitAreRefused) {
  Graph graph;
  const Value x = graph.input("x", {2, 5, 3});
  const Value w = graph.input("w", {1, 4, 3});
  const Value r = graph.input("r", {1, 4, 4});
  Rnn rnn;
  rnn.activations.resize(2);
  EXPECT_THROW(graph.apply_all(rnn, {x, w, r}), Error);
  rnn.activations.clear();
  rnn.clip = -1;
  EXPECT_THROW(graph.apply_all(rnn, {x, w, r}), Error);
  rnn.clip = 0;
  EXPECT_THROW(graph.apply_all(rnn, {x, w, r, Value{}, Value{}, indices(graph, {5, 6})}), Error);
  graph.apply_all(rnn, {x, w, r, Value{}, Value{}, indices(graph, {5, 0})});
}

}  // namespace
}  // namespace metalaudio::nn
