#include <metalaudio/nn/cpu/backend_with_kernel.h>
#include <metalaudio/nn/cpu/gemm/gemm_pairs.h>
#include <metalaudio/nn/cpu_backend.h>

#include <cmath>
#include <cstring>
#include <map>
#include <memory>

#include "tests/nn/graphs.h"
#include "tests/support/guarded_memory.h"

// Tiles and masked vectors are loaded and stored by instructions that the address sanitizer does not
// know. Here every value, temporary, scratch and packed matrix lies between pages that end the test.

namespace metalaudio::nn {
namespace {

using testing::Guard;

/// Runs the steps of a graph, each value in memory of its own.
class GuardedRun final : public StepMaker {
 public:
  GuardedRun(const Graph& graph, const Backend& backend) : graph_(graph) {
    std::vector<int> nodes;
    for (std::size_t i = 0; i < graph.nodes().size(); ++i) nodes.push_back(static_cast<int>(i));
    std::vector<std::unique_ptr<Step>> steps;
    for (const StepPlan& plan : backend.plan_steps(graph, nodes, true)) {
      for (const Value value : plan.inputs) slot(value);
      for (const Value value : plan.results) slot(value);
      steps.push_back(plan.make(*this));
    }
    std::vector<SlotAddress> addresses;
    for (Array<std::byte>& memory : slots_) addresses.push_back({memory.data(), 0});
    backend.make_runner(steps, {}, nullptr)->run(0, steps.size(), {addresses});
  }

  const Graph& graph() const override { return graph_; }
  Slot slot(Value value) const override {
    if (!value.present()) return {};
    const auto [known, is_new] = by_value_.try_emplace(value.index, slots_.size());
    if (is_new) {
      fill(value, add(graph_.type(value).bytes()));
    }
    return {static_cast<int>(known->second)};
  }
  Slot temporary(std::size_t bytes) override {
    add(bytes);
    return {static_cast<int>(slots_.size()) - 1};
  }
  void will_keep(std::size_t) override {}

  void expect_finite_outputs() const {
    for (const auto& [name, value] : graph_.outputs()) {
      const auto* numbers =
          reinterpret_cast<const float*>(slots_[by_value_.at(value.index)].data());
      for (std::size_t i = 0; i < graph_.type(value).bytes() / sizeof(float); ++i)
        ASSERT_TRUE(std::isfinite(numbers[i])) << name << " " << i;
    }
  }

 private:
  /// Memory that is used again holds what makes no number.
  Array<std::byte>& add(std::size_t bytes) const {
    Array<std::byte>& memory = slots_.emplace_back(bytes);
    std::memset(memory.data(), 0xFF, bytes);
    return memory;
  }

  void fill(Value value, Array<std::byte>& memory) const {
    if (graph_.is_constant(value)) {
      const std::shared_ptr<const Tensor> tensor = graph_.info(value).constant.tensor();
      std::memcpy(memory.data(), tensor->view().handle(), graph_.type(value).bytes());
    } else if (graph_.info(value).kind == ValueKind::input) {
      std::mt19937 generator(7);
      std::normal_distribution<float> normal(0.1F, 1);
      auto* numbers = reinterpret_cast<float*>(memory.data());
      for (std::size_t i = 0; i < graph_.type(value).bytes() / sizeof(float); ++i)
        numbers[i] = normal(generator);
    }
  }

  const Graph& graph_;
  mutable std::map<int, std::size_t> by_value_;
  mutable std::vector<Array<std::byte>> slots_;
};

/// Every arithmetic that this processor has, with the guard on either side.
void run_everywhere(const Graph& graph) {
  using cpu::GemmPairs;
  static const GemmPairs tiles[] = {GemmPairs(GemmPairs::Unit::tiles, 1),
                                    GemmPairs(GemmPairs::Unit::tiles, 2),
                                    GemmPairs(GemmPairs::Unit::tiles, 3)};
  static const GemmPairs vectors(GemmPairs::Unit::vectors);
  std::vector<std::shared_ptr<const Backend>> backends = {make_cpu_backend()};
  if (GemmPairs::available(GemmPairs::Unit::tiles)) {
    for (const GemmPairs& kernel : tiles) backends.push_back(cpu::make_backend(kernel, 1, {}));
  }
  if (GemmPairs::available(GemmPairs::Unit::vectors)) {
    backends.push_back(cpu::make_backend(vectors, 1, {}));
  }
  for (const Guard guard : {Guard::behind, Guard::before}) {
    for (const std::shared_ptr<const Backend>& backend : backends) {
      testing::set_guard(guard);
      GuardedRun(graph, *backend).expect_finite_outputs();
      testing::set_guard(Guard::none);
    }
  }
}

/// The edges of tiles of 16 and 32, and what lies between.
constexpr std::int64_t kSizes[] = {1, 2, 15, 16, 17, 31, 32, 33, 47, 65};

Value conv(Graph& graph, Value x, std::int64_t out, const SlidingAxis& axis) {
  return graph.apply(Conv{{axis}},
                     {x, random_constant(graph, {out, axis.kernel, graph.shape(x).back()}),
                      random_constant(graph, {out})});
}

TEST(GuardedMemory, HoldsWhatProductsReadAndWrite) {
  for (const std::int64_t depth : kSizes) {
    for (const std::int64_t columns : kSizes) {
      Graph graph;
      const std::int64_t rows = 1 + (depth * 7 + columns * 3) % 97;
      const Value x = graph.input("x", {1, rows, depth});
      graph.output("linear", pointwise(graph, x, columns));
      graph.output("gated", graph.apply(Glu{}, {pointwise(graph, x, 2 * columns)}));
      graph.output("added", add(graph, pointwise(graph, x, depth), x));
      graph.output("matmul", graph.apply(MatMul{}, {x, graph.input("b", {1, depth, columns})}));
      run_everywhere(graph);
    }
  }
}

TEST(GuardedMemory, HoldsWhatLinearLayersBehindANormReadAndWrite) {
  for (const std::int64_t channels : kSizes) {
    for (const std::int64_t rows : {1, 31, 33, 97}) {
      Graph graph;
      const Value x = graph.input("x", {1, rows, channels});
      const Value norm = graph.apply(
          LayerNorm{}, {x, random_constant(graph, {channels}), random_constant(graph, {channels})});
      Value hidden = pointwise(graph, norm, 3 * channels + 1);
      hidden = pointwise(graph, gelu(graph, hidden), channels);
      graph.output("y", add(graph, x, hidden));
      run_everywhere(graph);
    }
  }
}

TEST(GuardedMemory, HoldsWindowsOfEveryStrideAndDilation) {
  for (const std::int64_t channels : {1, 2, 3, 17, 32, 33, 48}) {
    for (const std::int64_t kernel : {1, 2, 3, 8}) {
      for (const std::int64_t stride : {1, 2, 4}) {
        for (const std::int64_t dilation : {1, 2, 5}) {
          Graph graph;
          const std::int64_t positions = 170 + (channels * 11 + kernel * 5 + stride * 3) % 90;
          const SlidingAxis axis{kernel, stride, dilation, kernel / 2, (kernel - 1) / 2};
          // One behind the other: the second reads what lies there as bfloat16, where there are tiles.
          const Value x = graph.input("x", {2, positions, channels});
          const Value y = gelu(graph, conv(graph, x, channels + 1, axis));
          graph.output("y", conv(graph, y, 19, axis));
          run_everywhere(graph);
        }
      }
    }
  }
}

TEST(GuardedMemory, HoldsWindowsOfPlanesAndTransposedOnes) {
  for (const std::int64_t channels : {2, 5, 16, 33}) {
    for (const std::int64_t positions : {31, 33, 70}) {
      Graph graph;
      const Value x = graph.input("x", {1, 9, positions, channels});
      const SlidingAxis rows{3, 2, 1, 1, 1};
      const SlidingAxis columns{3, 1, 1, 1, 1};
      Value y = graph.apply(Conv{{rows, columns}},
                            {x, random_constant(graph, {2 * channels, 3, 3, channels}),
                             random_constant(graph, {2 * channels})});
      y = graph.apply(Glu{}, {y});
      const TransposeAxis up{8, 4, 2, 4 * positions};
      const Value row = graph.input("row", {1, positions, channels});
      const Value wide = graph.apply(ConvTranspose{{up}},
                                     {gelu(graph, conv(graph, row, channels, {1, 1, 1, 0, 0})),
                                      random_constant(graph, {channels + 3, 8, channels}),
                                      random_constant(graph, {channels + 3})});
      graph.output("y", y);
      graph.output("wide", gelu(graph, wide));
      run_everywhere(graph);
    }
  }
}

/// As in HTDemucs, with few rows and with many, and of a row of more than a mebibyte.
TEST(GuardedMemory, HoldsChainsOfDConv) {
  const auto chain = [](std::int64_t rows, std::int64_t positions, std::int64_t channels,
                        std::int64_t hidden) {
    Graph graph;
    Value x = graph.input("x", {rows, positions, 3});
    x = gelu(graph, conv(graph, x, channels, {8, 1, 1, 4, 3}));
    for (int i = 0; i < 2; ++i) x = dconv(graph, x, hidden, random_constant(graph, {channels}));
    x = graph.apply(Glu{}, {conv(graph, x, 2 * channels, {1, 1, 1, 0, 0})});
    graph.output("y", conv(graph, x, 5, {3, 1, 1, 1, 1}));
    run_everywhere(graph);
  };
  for (const std::int64_t channels : {8, 17, 33, 48}) {
    chain(1, 131, channels, channels / 8);
    chain(5, 97, channels, channels / 2);
  }
  chain(1, 8200, 33, 5);
}

TEST(GuardedMemory, HoldsHeadsOfAttention) {
  for (const std::int64_t depth : {1, 8, 15, 32, 33, 64}) {
    for (const std::int64_t keys : {1, 31, 33, 64, 130, 515}) {
      for (const std::int64_t queries : {1, 33, 65}) {
        Graph graph;
        const Value q = graph.input("q", {1, queries, 2 * depth});
        const Value k = graph.input("k", {1, keys, 2 * depth});
        const Value v = graph.input("v", {1, keys, 2 * depth + 2});
        graph.output("y", graph.apply(Attention{2}, {q, k, v}));
        run_everywhere(graph);
      }
    }
  }
}

}  // namespace
}  // namespace metalaudio::nn
