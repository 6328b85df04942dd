#include <gtest/gtest.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/nn/layers/activation.h>
#include <metalaudio/nn/layers/conv1d.h>
#include <metalaudio/nn/layers/conv_transpose1d.h>
#include <metalaudio/nn/layers/gru.h>
#include <metalaudio/nn/layers/linear.h>
#include <metalaudio/nn/layers/sequential.h>
#include <metalaudio/nn/layers/skip_connection_pool.h>
#include <metalaudio/nn/layers/unet.h>

#include <cmath>
#include <limits>
#include <random>

#include "tests/nn/layers/expect_error.h"
#include "tests/nn/layers/goldens.h"
#include "tests/support/realtime_guard.h"

namespace metalaudio::nn::layers {
namespace {

/// Gives every weight of a layer numbers that repeat from run to run.
void randomise(Layer& layer) {
  std::mt19937 generator(5);
  std::normal_distribution<float> normal(0, 0.3F);
  for (const auto& [name, shape] : layer.parameters()) {
    Tensor tensor(shape);
    for (float& value : tensor.values()) value = normal(generator);
    layer.set(name, std::move(tensor));
  }
}

Sequential ten_equal_layers() {
  Sequential model;
  for (int i = 0; i < 10; ++i) {
    model.add(Conv1d({.in_channels = 8, .out_channels = 8, .kernel_size = 3, .padding = 1}));
  }
  randomise(model);
  return model;
}

TEST(Sequential, SharesTwoBuffersAmongTenEqualLayers) {
  Sequential model = ten_equal_layers();
  model.build({1, 100, 8});
  EXPECT_EQ(model.statistics(), "10 layers, 2 buffers (80 % reduction)");
}

TEST(Sequential, RunsItsLayersInTurn) {
  Sequential model = ten_equal_layers();
  model.build({1, 40, 8});
  Tensor x({1, 40, 8});
  for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = std::sin(static_cast<float>(i));
  EXPECT_LT(difference(model.run(x), run_offline(model, x)), kClose);
}

TEST(Sequential, NamesTheLayerThatDoesNotFitAndBothShapes) {
  Sequential model;
  model.add(Conv1d({.in_channels = 2, .out_channels = 4, .kernel_size = 3})).add(relu());
  model.add(Linear({5, 3}));
  randomise(model);
  expect_error(ErrorCode::invalid_argument,
               "[Linear(5, 3)] 2: the input is [1, 8, 4], expected [any, any, 5]", [&] {
                 model.build({1, 10, 2});
               });
}

TEST(Sequential, RefusesToRunWhatItWasNotBuiltFor) {
  Sequential model = ten_equal_layers();
  expect_error(ErrorCode::invalid_argument, "build() comes before run()", [&] {
    model.run(Tensor({1, 10, 8}));
  });
  model.build({1, 10, 8});
  expect_error(ErrorCode::invalid_argument, "the input is [1, 11, 8], built for [1, 10, 8]", [&] {
    model.run(Tensor({1, 11, 8}));
  });
}

TEST(Sequential, SetsWeightsByTheirPath) {
  Sequential model;
  model.add(Linear({1, 1, false})).add(Linear({1, 1, false}));
  Tensor two({1, 1});
  two.data()[0] = 2;
  model.set("0.weight", two);
  model.set("1.weight", two);
  model.build({1, 1, 1});
  Tensor x({1, 1, 1});
  x.data()[0] = 3;
  EXPECT_EQ(model.run(x).data()[0], 12);
}

/// Down and up again around a recurrent layer: it keeps the rate, three frames late.
Sequential codec() {
  Sequential model;
  model.add(Conv1d({.in_channels = 2,
                    .out_channels = 6,
                    .kernel_size = 5,
                    .stride = 2,
                    .padding = 3,
                    .causal = true}));
  model.add(elu());
  model.add(Conv1d({.in_channels = 6,
                    .out_channels = 5,
                    .kernel_size = 4,
                    .stride = 2,
                    .padding = kSame,
                    .causal = true}));
  model.add(Gru({.input_size = 5, .hidden_size = 5}));
  model.add(ConvTranspose1d(
      {.in_channels = 5, .out_channels = 3, .kernel_size = 8, .stride = 4, .causal = true}));
  randomise(model);
  return model;
}

/// Streams in blocks of one length under the guard, and gives as many frames as the input has.
std::vector<float> stream_blocks(Sequential& model, const Tensor& x, std::size_t block) {
  const auto frames = static_cast<std::size_t>(x.shape()[1]);
  const auto in = static_cast<std::size_t>(x.shape()[2]);
  const std::size_t out = model.stream().output_channels();
  std::vector<float> all;
  for (std::size_t first = 0; first < frames; first += block) {
    const std::size_t count = std::min(block, frames - first);
    AudioBuffer input(in, count);
    AudioBuffer output(out, count);
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t c = 0; c < in; ++c) input.channel(c)[i] = x.data()[(first + i) * in + c];
    }
    {
      const testing::RealtimeGuard guard;
      EXPECT_EQ(model.process(input.view(), output.view()), count);
    }
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t c = 0; c < out; ++c) all.push_back(output.channel(c)[i]);
    }
  }
  return all;
}

TEST(Sequential, StreamsThroughStridesAndStatesWhatItGivesOffline) {
  Sequential model = codec();
  Tensor x({1, 1204, 2});
  for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = std::sin(0.1F * static_cast<float>(i));
  const Tensor expected = run_offline(model, x);
  model.build_stream({.channels = 2});
  EXPECT_EQ(model.latency_samples(), 3U);
  for (const std::size_t block : {1U, 7U, 64U, 1000U}) {
    model.reset();
    const std::vector<float> y = stream_blocks(model, x, block);
    for (std::size_t i = 0; i < 9; ++i) EXPECT_EQ(y[i], 0) << "before the latency";
    Tensor late(Shape{1, 1201, 3});
    Tensor start(Shape{1, 1201, 3});
    std::copy_n(y.data() + 9, late.size(), late.data());
    std::copy_n(expected.data(), start.size(), start.data());
    EXPECT_LT(difference(late, start), kClose) << block;
  }
}

TEST(Stream, ReplacesWhatIsNotFiniteAndSaysSo) {
  Sequential model = codec();
  model.build_stream({.channels = 2, .guard = true});
  Tensor x({1, 64, 2});
  x.data()[20] = std::numeric_limits<float>::quiet_NaN();
  for (const float value : stream_blocks(model, x, 16)) EXPECT_TRUE(std::isfinite(value));
  EXPECT_EQ(model.stream().take_trouble(), Trouble::input_replaced);
  EXPECT_EQ(model.stream().take_trouble(), Trouble::none);
  for (float& value : x.values()) value = 3e38F;  // overflows inside
  for (const float value : stream_blocks(model, x, 16)) EXPECT_TRUE(std::isfinite(value));
  EXPECT_EQ(model.stream().take_trouble(), Trouble::state_cleared);
}

TEST(Stream, ForgetsWhatIsNotFiniteWhenItIsReset) {
  Sequential model = codec();
  model.build_stream({.channels = 2});
  Tensor x({1, 64, 2});
  const std::vector<float> silence = stream_blocks(model, x, 16);
  x.data()[20] = std::numeric_limits<float>::quiet_NaN();
  stream_blocks(model, x, 16);
  model.reset();
  x.data()[20] = 0;
  EXPECT_EQ(stream_blocks(model, x, 16), silence);
}

TEST(UNetBlocks, EqualPyTorchWithReflectionAndTanhGelu) {
  UNetLevelOptions<2> level{.num_groups = 4, .activation = UnaryFunction::gelu_tanh};
  expect_golden(UNetEncoderBlock2d(2, 8, level), "unet_block");
}

TEST(UNet, EqualsPyTorch) {
  expect_golden(
      UNet1d(
          {.in_channels = 2, .out_channels = 3, .channels = {8, 16}, .level = {.num_groups = 4}}),
      "unet1d");
  expect_golden(UNet2d({.in_channels = 2,
                        .out_channels = 2,
                        .channels = {4, 8},
                        .level = {.num_groups = 2, .activation = UnaryFunction::gelu_tanh}}),
                "unet2d");
}

TEST(UNet, RefusesWhatIsTooShortOrToBeStreamed) {
  UNet1d net({.in_channels = 1, .out_channels = 1, .channels = {8}});
  randomise(net);
  Graph graph;
  expect_error(ErrorCode::invalid_argument, "the input is [1, 2, 1]: 2 frames cannot be reflected",
               [&] {
                 net.write(graph, graph.input("x", {1, 2, 1}));
               });
  expect_error(ErrorCode::unsupported, "it needs the whole signal", [&] { Stream(net, {}); });
}

TEST(SkipConnectionPool, KeepsOneValuePerLevel) {
  Graph graph;
  const Value x = graph.input("x", {1, 4, 2});
  SkipConnectionPool pool;
  pool.store(graph, 0, x);
  expect_error(ErrorCode::invalid_argument, "level 0 was stored before",
               [&] { pool.store(graph, 0, x); });
  expect_error(ErrorCode::not_found, "level 1 was not stored", [&] { pool.take(1); });
  EXPECT_EQ(pool.take(0), x);
  EXPECT_EQ(pool.size(), 0U);
  SkipConnectionPool2d images;
  expect_error(ErrorCode::invalid_argument, "level 0 is [1, 4, 2], expected 4 axes",
               [&] { images.store(graph, 0, x); });
}

}  // namespace
}  // namespace metalaudio::nn::layers
