#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>

#include "tests/nn/graphs.h"

namespace metalaudio::nn {
namespace {

TEST(Graph, RefusesShapesThatDoNotFit) {
  Graph graph;
  const Value x = graph.input("x", {2, 40, 8});
  graph.set_label("layer.3");
  EXPECT_THAT(
      [&] {
        graph.apply(linear(), {graph.input("z", {4}), constant(graph, {3, 5}, 0)});
      },
      ::testing::Throws<Error>());
  EXPECT_THAT(
      [&] {
        add(graph, x, graph.input("w", {2, 39, 8}));
      },
      ::testing::ThrowsMessage<Error>(::testing::HasSubstr("layer.3")));
  EXPECT_THAT([&] { graph.apply(Attention{.heads = 3}, {x, x, x}); }, ::testing::Throws<Error>());
  EXPECT_THAT([&] { graph.apply(Slice{{1, 0, 0}, {2, 40, 8}}, {x}); }, ::testing::Throws<Error>());
  EXPECT_THAT([&] { reshape(graph, x, {2, 41, 8}); }, ::testing::Throws<Error>());
  const SlidingAxis three{3};
  EXPECT_THAT(
      [&] {
        graph.apply(Conv{{three, {}}},
                    {x, constant(graph, {8, 3, 1, 8}, 0), constant(graph, {8}, 0)});
      },
      ::testing::ThrowsMessage<Error>(::testing::HasSubstr("smaller than the kernel")));
}

TEST(Graph, RefusesInputsTypesAndNamesThatDoNotFit) {
  Graph graph;
  const Value x = graph.input("x", {4});
  const Value yes = graph.input("yes", {4, 4}, DataType::boolean);
  const auto refuses = [](auto&& call) { EXPECT_THAT(call, ::testing::Throws<Error>()); };
  refuses([&] { graph.input("x", {1}); });
  refuses([&] { add(graph, x, yes); });
  refuses([&] { graph.apply(MatMul{}, {yes, yes}); });
  refuses([&] { graph.apply(Unary{UnaryFunction::exp}, {yes}); });
  refuses([&] { graph.apply(Binary{}, {x}); });
  refuses([&] { graph.apply(Binary{}, {x, Value{}}); });
  refuses([&] { graph.apply(Binary{}, {x, x, x}); });
  refuses([&] { graph.apply(Softmax{1}, {x}); });
  refuses([&] { graph.apply(Transpose{{0, 0}}, {yes}); });
  const Value s = graph.state("s", {4});
  refuses([&] { graph.state("s", {4}); });
  refuses([&] { graph.update(s, yes); });
  refuses([&] { graph.update(x, s); });
  graph.output("y", x);
  refuses([&] { graph.output("y", x); });
}
}  // namespace
}  // namespace metalaudio::nn
