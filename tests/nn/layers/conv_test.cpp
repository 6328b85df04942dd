#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/nn/layers/conv1d.h>
#include <metalaudio/nn/layers/conv2d.h>
#include <metalaudio/nn/layers/conv_transpose1d.h>
#include <metalaudio/nn/layers/conv_transpose2d.h>
#include <metalaudio/nn/layers/linear.h>
#include <metalaudio/nn/layers/sequence.h>
#include <metalaudio/nn/layers/stream.h>

#include "tests/nn/layers/expect_error.h"
#include "tests/nn/layers/goldens.h"

namespace metalaudio::nn::layers {
namespace {

Tensor in_type(const Tensor& from, DataType type) {
  Tensor to(from.shape(), type);
  visit_type(type, [&]<typename T>(std::type_identity<T>) {
    for (std::size_t i = 0; i < to.size(); ++i)
      to.values_as<T>()[i] = static_cast<T>(from.data()[i]);
  });
  return to;
}

TEST(Linear, EqualsPyTorch) { expect_golden(Linear({9, 13}), "linear"); }

TEST(Linear, TakesHalfPrecisionWeights) {
  for (const auto& [name, type] :
       {std::pair{"linear_f16", DataType::f16}, std::pair{"linear_bf16", DataType::bf16}}) {
    Linear layer({9, 13});
    layer.set("weight", in_type(golden(name, "m.weight"), type));
    layer.set("bias", golden(name, "m.bias"));
    Graph graph;
    const Value x = graph.input("x", golden(name, "x").shape());
    graph.output("y", layer.write(graph, x));
    Plan plan(graph, {});
    copy(golden(name, "x").view(), plan.input("x"));
    plan.run();
    Tensor y(plan.output("y").shape());
    copy(plan.output("y"), y.view());
    EXPECT_LT(difference(y, golden(name, "y")), kClose) << name;
  }
}

TEST(Linear, HalfPrecisionWeightsStayInSixteenBits) {
  const auto bytes_of = [](DataType type) {
    Linear layer({256, 320});
    layer.set("weight", Tensor({320, 256}, type));
    layer.set("bias", Tensor({320}));
    Graph graph;
    graph.output("y", layer.write(graph, graph.input("x", {7, 256})));
    return static_cast<double>(Plan(graph, {}).statistics().weight_bytes);
  };
  const double floats = bytes_of(DataType::f32);
  EXPECT_GE(floats, 320 * 256 * 4);
  for (const DataType type : {DataType::f16, DataType::bf16})
    EXPECT_LT(bytes_of(type), 0.51 * floats);  // the biases are floats
}

TEST(Conv1d, EqualsPyTorch) {
  expect_golden(Conv1d({.in_channels = 4,
                        .out_channels = 6,
                        .kernel_size = 5,
                        .stride = 2,
                        .padding = 3,
                        .dilation = 2,
                        .groups = 2}),
                "conv1d");
  expect_golden(
      Conv1d(
          {.in_channels = 3, .out_channels = 5, .kernel_size = 4, .padding = kSame, .bias = false}),
      "conv1d_same");
}

TEST(Conv1d, PadsAsPyTorchDoes) {
  for (const auto& [name, mode] :
       {std::pair{"conv1d_reflect", PadMode::reflect}, std::pair{"conv1d_replicate", PadMode::edge},
        std::pair{"conv1d_circular", PadMode::wrap}}) {
    expect_golden(Conv1d({.in_channels = 2,
                          .out_channels = 3,
                          .kernel_size = 7,
                          .padding = 3,
                          .padding_mode = mode}),
                  name);
  }
}

TEST(Conv1d, TakesNormalisedWeightsUnderBothNames) {
  const Conv1dOptions options{.in_channels = 3, .out_channels = 4, .kernel_size = 3};
  expect_golden(Conv1d(options), "conv1d_weight_norm");
  expect_golden(Conv1d(options), "conv1d_parametrized");
}

struct CausalCase {
  const char* name;
  Conv1dOptions options;
};

const CausalCase kCausalCases[] = {
    {"conv1d_causal",
     {.in_channels = 3,
      .out_channels = 4,
      .kernel_size = 5,
      .padding = kSame,
      .dilation = 3,
      .causal = true}},
    {"conv1d_causal_groups",
     {.in_channels = 4,
      .out_channels = 8,
      .kernel_size = 3,
      .padding = kSame,
      .groups = 4,
      .causal = true}},
    {"conv1d_long",
     {.in_channels = 1, .out_channels = 1, .kernel_size = 65, .padding = kSame, .causal = true}},
    {"conv1d_causal_stride",
     {.in_channels = 2,
      .out_channels = 3,
      .kernel_size = 8,
      .stride = 4,
      .padding = 4,
      .causal = true}},
};

TEST(Conv1d, IsCausalWhereAskedTo) {
  for (const CausalCase& c : kCausalCases) expect_golden(Conv1d(c.options), c.name);
}

TEST(Conv1d, StreamsWhatItGivesOffline) {
  for (const CausalCase& c : kCausalCases) expect_streams_golden(Conv1d(c.options), c.name);
}

TEST(Conv1d, RefusesWhatCannotBe) {
  expect_error(ErrorCode::invalid_argument,
               "[Conv1d(3, 4, kernel_size=1, stride=1)] 3 and 4 channels in 2 groups",
               [] { Conv1d({.in_channels = 3, .out_channels = 4, .groups = 2}); });
  expect_error(ErrorCode::invalid_argument, "stride 0", [] { Conv1d({.stride = 0}); });
  expect_error(ErrorCode::invalid_argument, "kernel 0", [] { Conv1d({.kernel_size = 0}); });
  expect_error(ErrorCode::invalid_argument, "the past is zeros", [] {
    Conv1d({.kernel_size = 3, .padding = 2, .padding_mode = PadMode::reflect, .causal = true});
  });
  expect_error(ErrorCode::invalid_argument, "causal: padding 1 before the first frame, at least 2",
               [] { Conv1d({.kernel_size = 3, .padding = 1, .causal = true}); });
  const Conv1d wide({.in_channels = 3, .out_channels = 4, .kernel_size = 5});
  Graph graph;
  expect_error(ErrorCode::invalid_argument, "the input is [1, 9, 2], expected [any, any, 3]", [&] {
    wide.write(graph, graph.input("a", {1, 9, 2}));
  });
  expect_error(ErrorCode::invalid_argument, "the input is [1, 4, 3]: shorter than the kernel", [&] {
    wide.write(graph, graph.input("b", {1, 4, 3}));
  });
  expect_error(ErrorCode::invalid_argument, "weight was not given", [&] {
    wide.write(graph, graph.input("c", {1, 9, 3}));
  });
  const Conv1d mirrored({.kernel_size = 9, .padding = 4, .padding_mode = PadMode::reflect});
  expect_error(ErrorCode::invalid_argument, "the input is [1, 4, 1]: 4 frames cannot be reflected",
               [&] {
                 mirrored.write(graph, graph.input("d", {1, 4, 1}));
               });
}

TEST(Conv1d, RefusesToStreamWithTheFuture) {
  Conv1d layer({.kernel_size = 3, .padding = 1});
  expect_error(ErrorCode::unsupported, "streaming needs causal = true",
               [&] { Stream(layer, StreamOptions{}); });
}

TEST(Layer, NamesTheWeightsThatItTakes) {
  Conv1d layer({.in_channels = 2, .out_channels = 4, .kernel_size = 3});
  expect_error(ErrorCode::not_found, "no weight is called wait: weight, bias",
               [&] { layer.set("wait", Tensor({1})); });
  expect_error(ErrorCode::invalid_argument, "weight is f32[4, 3, 2], expected f32[4, 2, 3]", [&] {
    layer.set("weight", Tensor({4, 3, 2}));
  });
  expect_error(ErrorCode::invalid_argument, "bias is i32[4], expected f32[4]",
               [&] { layer.set("bias", Tensor({4}, DataType::i32)); });
}

TEST(ConvTranspose1d, EqualsPyTorch) {
  expect_golden(ConvTranspose1d({.in_channels = 4,
                                 .out_channels = 6,
                                 .kernel_size = 5,
                                 .stride = 3,
                                 .padding = 2,
                                 .output_padding = 1,
                                 .dilation = 2,
                                 .groups = 2}),
                "conv_transpose1d");
}

TEST(ConvTranspose1d, StreamsWhatItGivesOffline) {
  const ConvTranspose1dOptions plain{
      .in_channels = 3, .out_channels = 2, .kernel_size = 8, .stride = 4, .causal = true};
  const ConvTranspose1dOptions dilated{.in_channels = 2,
                                       .out_channels = 4,
                                       .kernel_size = 3,
                                       .stride = 2,
                                       .dilation = 3,
                                       .groups = 2,
                                       .causal = true};
  expect_golden(ConvTranspose1d(plain), "conv_transpose1d_causal");
  expect_golden(ConvTranspose1d(dilated), "conv_transpose1d_dilated");
  expect_streams_golden(ConvTranspose1d(plain), "conv_transpose1d_causal");
  expect_streams_golden(ConvTranspose1d(dilated), "conv_transpose1d_dilated");
}

TEST(ConvTranspose1d, RefusesWhatCannotBe) {
  expect_error(ErrorCode::invalid_argument, "output_padding 2 with stride 2",
               [] { ConvTranspose1d({.kernel_size = 4, .stride = 2, .output_padding = 2}); });
  expect_error(ErrorCode::invalid_argument, "must be 0",
               [] { ConvTranspose1d({.kernel_size = 4, .padding = 1, .causal = true}); });
}

TEST(Conv2d, EqualsPyTorch) {
  expect_golden(Conv2d({.in_channels = 4,
                        .out_channels = 6,
                        .kernel_size = {3, 5},
                        .stride = {2, 1},
                        .padding = {1, 2},
                        .dilation = {1, 2},
                        .groups = 2}),
                "conv2d");
  expect_golden(Conv2d({.in_channels = 2,
                        .out_channels = 3,
                        .kernel_size = {3, 3},
                        .stride = {2, 2},
                        .padding = {1, 1},
                        .padding_mode = PadMode::reflect}),
                "conv2d_reflect");
}

TEST(Conv2d, StreamsItsRows) {
  Conv2d layer({.in_channels = 2,
                .out_channels = 3,
                .kernel_size = {3, 3},
                .padding = {kSame, 1},
                .dilation = {2, 1},
                .causal = true});
  expect_golden(layer, "conv2d_causal");
  const Tensor& x = golden("conv2d_causal", "x");
  const Tensor& y = golden("conv2d_causal", "y");
  for (const std::int64_t block : {1, 7, 35}) {
    Graph graph;
    const Value input = graph.input("x", {1, block, 6, 2});
    graph.output("y", layer.write(Scope{graph, Mode::streaming}, input));
    Plan plan(graph, {});
    Tensor made(y.shape());
    for (std::int64_t first = 0; first < x.shape()[1]; first += block) {
      std::copy_n(x.data() + first * 12, block * 12, plan.input("x").data_as<float>());
      plan.run();
      std::copy_n(plan.output("y").data_as<float>(), block * 18, made.data() + first * 18);
    }
    EXPECT_LT(difference(made, y), kClose) << block;
  }
}

TEST(ConvTranspose2d, EqualsPyTorch) {
  expect_golden(ConvTranspose2d({.in_channels = 4,
                                 .out_channels = 6,
                                 .kernel_size = {3, 4},
                                 .stride = {2, 3},
                                 .padding = {1, 0},
                                 .output_padding = {1, 2},
                                 .groups = 2}),
                "conv_transpose2d");
}

}  // namespace
}  // namespace metalaudio::nn::layers
