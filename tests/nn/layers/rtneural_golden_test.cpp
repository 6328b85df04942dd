// RTNeural's own goldens of transposed convolution, which changes the rate and so is no amp.
#include <gtest/gtest.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/nn/layers/conv_transpose1d.h>
#include <metalaudio/nn/layers/stream.h>
#include <metalaudio/nn/plan.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace metalaudio::nn::layers {
namespace {

const std::string kShared = METALAUDIO_SHARED_DIR;
/// RTNeural's own tolerance: what PyTorch wrote was computed in float32.
constexpr float kTolerance = 2e-5F;

using Rows = std::vector<std::vector<float>>;

/// [channels][frames].
Rows table(const std::string& name) {
  std::ifstream file(kShared + "/goldens/rtneural/convtranspose1d_torch_" + name + ".csv");
  Rows rows;
  for (std::string line; std::getline(file, line);) {
    std::stringstream cells(line);
    rows.emplace_back();
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(std::stof(cell));
  }
  return rows;
}

ConvTranspose1d layer(std::int64_t padding, bool causal) {
  std::ifstream file(kShared + "/models/rtneural/convtranspose1d_torch.json");
  const auto state = nlohmann::json::parse(file);
  ConvTranspose1d conv({.in_channels = 4,
                        .out_channels = 15,
                        .kernel_size = 5,
                        .stride = 3,
                        .padding = padding,
                        .causal = causal});
  Tensor weight(Shape{4, 15, 5}), bias(Shape{15});
  std::size_t at = 0;
  for (const auto& in : state["weight"])
    for (const auto& out : in)
      for (const auto& tap : out) weight.data()[at++] = tap.get<float>();
  std::ranges::copy(state["bias"].get<std::vector<float>>(), bias.data());
  conv.set("weight", std::move(weight));
  conv.set("bias", std::move(bias));
  return conv;
}

TEST(ConvTransposeGolden, WholeSignalsEqualPyTorch) {
  const Rows x = table("x_python"), y = table("y_python");
  ASSERT_EQ(x.size(), 4U);
  ASSERT_EQ(y.size(), 15U);
  const auto frames = static_cast<std::int64_t>(x[0].size());
  Graph graph;
  graph.output("y", layer(3, false).write(graph, graph.input("x", Shape{1, frames, 4})));
  Plan plan(graph, {});
  auto* const in = plan.input("x").data_as<float>();
  for (std::size_t t = 0; t < x[0].size(); ++t)
    for (std::size_t c = 0; c < 4; ++c) in[t * 4 + c] = x[c][t];
  plan.run();
  ASSERT_EQ(plan.output("y").shape().to_string(),
            (Shape{1, static_cast<std::int64_t>(y[0].size()), 15}).to_string());
  const auto* const out = plan.output("y").data_as<float>();
  for (std::size_t t = 0; t < y[0].size(); ++t)
    for (std::size_t c = 0; c < 15; ++c) ASSERT_NEAR(out[t * 15 + c], y[c][t], kTolerance);
}

TEST(ConvTransposeGolden, StreamedBlocksEqualPyTorchWholeAndCached) {
  // PyTorch's padding of three takes three frames off either end; cached_conv's takes none.
  const std::vector<std::pair<std::string, std::size_t>> goldens{{"python", 3}, {"python_cc", 0}};
  Stream stream(layer(0, true), {.channels = 4});
  for (const auto& [name, cut] : goldens) {
    const Rows x = table("x_" + name), y = table("y_" + name);
    AudioBuffer input(4, x[0].size());
    for (std::size_t c = 0; c < 4; ++c) std::ranges::copy(x[c], input.channel(c).begin());
    for (const std::size_t block : {1U, 7U, 100U}) {
      stream.reset();
      AudioBuffer output(15, 3 * x[0].size() + 16);
      std::size_t written = 0;
      for (std::size_t at = 0; at < x[0].size(); at += block) {
        const std::size_t count = std::min(block, x[0].size() - at);
        const AudioView rest = output.view().part(written, output.frames() - written);
        written += stream.process(std::as_const(input).view().part(at, count), rest);
      }
      ASSERT_GE(written, y[0].size() + cut);
      for (std::size_t c = 0; c < 15; ++c)
        for (std::size_t t = 0; t < y[0].size(); ++t)
          ASSERT_NEAR(output.channel(c)[t + cut], y[c][t], kTolerance) << name << " " << block;
    }
  }
}

}  // namespace
}  // namespace metalaudio::nn::layers
