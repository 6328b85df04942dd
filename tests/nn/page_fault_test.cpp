// No plan meets a page that is not mapped, from its first run on: neither in its arena nor in its
// weights.
#include <gtest/gtest.h>
#include <metalaudio/nn/chunked_inference.h>

#include <algorithm>
#include <memory>

#include "stream_plans.h"
#include "tests/support/page_faults.h"

namespace metalaudio::nn {
namespace {

/// Two layers of 256 by 256 weights: 512 KB.
Plan dense_plan() {
  constexpr std::int64_t kWidth = 256;
  Graph graph;
  Value x = graph.input("input", {1, kWidth});
  for (unsigned layer = 0; layer < 2; ++layer) {
    Tensor weight(Shape{kWidth, kWidth});
    const auto values = noise(kWidth * kWidth, layer);
    std::ranges::transform(values, weight.values().begin(), [](float v) { return v / 256.0F; });
    x = graph.apply(MatMul{}, {x, graph.constant(std::move(weight))});
  }
  graph.output("output", reshape(graph, x, {kWidth}));
  return Plan(graph, {});
}

TEST(PageFaults, NoneInAPlan) {
  const auto x = noise(256, 5);
  testing::expect_no_page_faults([] { return std::make_unique<Plan>(dense_plan()); },
                                 [&](Plan& plan) {
                                   std::ranges::copy(x, plan.input("input").data_as<float>());
                                   plan.run();
                                 });
}

TEST(PageFaults, NoneInChunkedInference) {
  const auto x = noise(64, 6);
  std::vector<float> y(64);
  testing::expect_no_page_faults(
      [] {
        return std::make_unique<ChunkedInference>(doubling_plan({4096}), PlanPorts{},
                                                  ChunkOptions{.overlap_samples = 512});
      },
      [&](ChunkedInference& chunks) {
        chunks.process(ConstAudioView(std::span(x)), AudioView(std::span(y)));
      });
}

}  // namespace
}  // namespace metalaudio::nn
