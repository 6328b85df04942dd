#include <gtest/gtest.h>
#include <metalaudio/nn/layers/activation.h>
#include <metalaudio/nn/layers/embedding.h>
#include <metalaudio/nn/layers/norm.h>
#include <metalaudio/nn/layers/padding.h>
#include <metalaudio/nn/layers/pooling.h>
#include <metalaudio/nn/layers/stream.h>

#include <memory>

#include "tests/nn/layers/expect_error.h"
#include "tests/nn/layers/goldens.h"

namespace metalaudio::nn::layers {
namespace {

TEST(Norms, EqualPyTorch) {
  expect_golden(GroupNorm({3, 6}), "group_norm");
  expect_golden(GroupNorm({.num_groups = 2, .num_channels = 4, .affine = false}), "group_norm_2d");
  expect_golden(InstanceNorm({.num_features = 5, .affine = true}), "instance_norm");
  expect_golden(InstanceNorm({.num_features = 3}), "instance_norm_2d");
  expect_golden(BatchNorm({.num_features = 5}), "batch_norm");
  expect_golden(BatchNorm({.num_features = 3, .affine = false}), "batch_norm_2d");
  expect_golden(LayerNorm({.normalized_shape = {9}}), "layer_norm");
  expect_golden(LayerNorm({.normalized_shape = {4, 6}, .bias = false}), "layer_norm_two");
  expect_golden(RmsNorm({.normalized_shape = {9}}), "rms_norm");
}

TEST(GroupNorm, EqualsPyTorchInEveryAlgorithm) {
  for (const auto algorithm : {MomentsAlgorithm::kahan, MomentsAlgorithm::welford}) {
    expect_golden(GroupNorm({.num_groups = 3, .num_channels = 6, .algorithm = algorithm}),
                  "group_norm");
  }
}

TEST(Norms, RefuseWhatTheyCannotNormalise) {
  expect_error(ErrorCode::invalid_argument, "the groups do not divide the channels", [] {
    GroupNorm({4, 6});
  });
  Graph graph;
  expect_error(ErrorCode::invalid_argument, "the input is [2, 3, 4], expected it to end with [5]",
               [&] {
                 LayerNorm({.normalized_shape = {5}}).write(graph, graph.input("x", {2, 3, 4}));
               });
  expect_error(ErrorCode::unsupported, "it needs the whole signal", [] {
    Stream(GroupNorm({1, 4}), {.channels = 4});
  });
}

TEST(Activations, EqualPyTorch) {
  std::map<std::string, std::shared_ptr<Layer>> cases;
  const auto add = [&]<typename L>(const char* name, L layer) {
    cases[name] = std::make_shared<L>(std::move(layer));
  };
  add("relu", relu());
  add("relu6", relu6());
  add("gelu", gelu());
  add("gelu_tanh", gelu_tanh());
  add("silu", silu());
  add("sigmoid", sigmoid());
  add("tanh", layers::tanh());
  add("mish", mish());
  add("softplus", softplus());
  add("softsign", softsign());
  add("hardswish", hardswish());
  add("hardsigmoid", hardsigmoid());
  add("hardtanh", hardtanh(-0.5, 2));
  add("leaky_relu", leaky_relu(0.2));
  add("elu", elu(0.7));
  add("celu", celu(1.3));
  add("selu", selu());
  add("softmax", Softmax());
  add("log_softmax", Softmax(true));
  add("dropout", Dropout());
  for (const auto& [name, layer] : cases) {
    const Tensor y = run_offline(*layer, golden("activation", "x"));
    EXPECT_LT(difference(y, golden("activation", name)), kClose) << name;
  }
}

TEST(Activations, WithWeightsEqualPyTorch) {
  expect_golden(Glu(), "glu");
  expect_golden(PRelu(), "prelu");
  expect_golden(PRelu(4), "prelu_channels");
}

TEST(Snake, EqualsItsFormula) {
  expect_golden(Snake({.channels = 4, .flat = false}), "snake");
  Snake beta({.channels = 4, .beta = true, .logarithmic = true});
  beta.load(golden_weights("snake_beta"));
  EXPECT_LT(difference(run_offline(beta, golden("snake", "x")), golden("snake_beta", "y")), kClose);
}

TEST(Pooling, EqualsPyTorch) {
  expect_golden(MaxPool({.kernel_size = {3}, .stride = {2}, .padding = {1}}), "max_pool");
  expect_golden(MaxPool({.kernel_size = {2, 3}}), "max_pool_2d");
  expect_golden(AvgPool({.kernel_size = {4}, .stride = {3}, .padding = {2}}), "avg_pool");
  expect_golden(
      AvgPool({.kernel_size = {3, 3}, .stride = {2}, .padding = {1}, .count_include_pad = false}),
      "avg_pool_2d");
  expect_golden(GlobalAvgPool(), "global_avg_pool");
  expect_error(ErrorCode::invalid_argument, "[MaxPool(2)] axis 0: kernel 2, stride 2, padding 2",
               [] { MaxPool({.kernel_size = {2}, .padding = {2}}); });
}

TEST(Padding, EqualsPyTorch) {
  expect_golden(Padding({.before = {3, 2}, .after = {0, 1}, .mode = PadMode::reflect}),
                "pad_reflect");
  expect_golden(Padding({.before = {2}, .after = {3}, .value = -0.5}), "pad_constant");
}

TEST(Embedding, EqualsPyTorch) {
  Embedding layer(7, 3);
  layer.load(golden_weights("embedding"));
  const Tensor& x = golden("embedding", "x");
  Tensor indices(x.shape(), DataType::i64);
  for (std::size_t i = 0; i < x.size(); ++i) {
    indices.values_as<std::int64_t>()[i] = static_cast<std::int64_t>(x.data()[i]);
  }
  EXPECT_EQ(difference(run_offline(layer, indices), golden("embedding", "y")), 0);
}

}  // namespace
}  // namespace metalaudio::nn::layers
