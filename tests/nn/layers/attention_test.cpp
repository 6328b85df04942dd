#include <gtest/gtest.h>
#include <metalaudio/nn/layers/attention.h>
#include <metalaudio/nn/layers/transformer.h>

#include "tests/nn/layers/expect_error.h"
#include "tests/nn/layers/goldens.h"

namespace metalaudio::nn::layers {
namespace {

Tensor lengths() {
  Tensor tensor({3}, DataType::i64);
  for (std::size_t i = 0; i < 3; ++i) {
    tensor.values_as<std::int64_t>()[i] =
        static_cast<std::int64_t>(golden("attention", "lengths").data()[i]);
  }
  return tensor;
}

/// bool[batch][keys]: true beyond the lengths.
Tensor key_padding() {
  Tensor tensor({3, 6}, DataType::boolean);
  for (std::int64_t i = 0; i < 18; ++i) {
    tensor.data_as<bool>()[i] = i % 6 >= lengths().data_as<std::int64_t>()[i / 6];
  }
  return tensor;
}

Inputs inputs() {
  return {{"q", golden("attention", "q")},
          {"k", golden("attention", "k")},
          {"v", golden("attention", "v")}};
}

TEST(ScaledDotProductAttention, EqualsPyTorchWithEveryMask) {
  Inputs all = inputs();
  all["lengths"] = lengths();
  all["bias"] = golden("attention", "bias");
  const auto results = run_graph(all, [](Graph& graph, const auto& in) {
    const auto attend = [&](const AttentionMasks& masks) {
      return scaled_dot_product_attention(graph, in.at("q"), in.at("k"), in.at("v"), 2, masks);
    };
    graph.output("plain_y", attend({}));
    graph.output("bias_y", attend({.mask = in.at("bias")}));
    graph.output("lengths_y", attend({.lengths = in.at("lengths")}));
    graph.output("causal_y", scaled_dot_product_attention(graph, in.at("k"), in.at("k"), in.at("v"),
                                                          2, {.causal = true}));
  });
  for (const auto& [name, y] : results) {
    EXPECT_LT(difference(y, golden("attention", name)), kClose) << name;
  }
}

TEST(ScaledDotProductAttention, GivesZerosToAQueryThatSeesNothing) {
  Inputs all = inputs();
  all["lengths"] = Tensor({3}, DataType::i64);  // zeros
  const auto results = run_graph(all, [](Graph& graph, const auto& in) {
    graph.output("y", scaled_dot_product_attention(graph, in.at("q"), in.at("k"), in.at("v"), 2,
                                                   {.lengths = in.at("lengths")}));
  });
  for (const float value : results.at("y").values()) EXPECT_EQ(value, 0);
}

TEST(MultiHeadAttention, EqualsPyTorchWithPackedWeightsAndMasks) {
  MultiHeadAttention layer({.embed_dim = 8, .num_heads = 2});
  layer.load(golden_weights("mha"));
  Inputs all = inputs();
  all["padding"] = key_padding();
  all["hidden"] = Tensor({5, 6}, DataType::boolean);
  for (std::size_t i = 0; i < 30; ++i) {
    all["hidden"].data_as<bool>()[i] = golden("mha", "hidden").data()[i] != 0;
  }
  const auto results = run_graph(all, [&](Graph& graph, const auto& in) {
    graph.output("y", layer.write(Scope{graph}, in.at("q"), in.at("k"), in.at("v"),
                                  {.mask = in.at("hidden"), .key_padding = in.at("padding")}));
  });
  EXPECT_LT(difference(results.at("y"), golden("mha", "y")), kClose);
}

TEST(MultiHeadAttention, HasThePackedWeightsOfPyTorch) {
  const auto parameters = MultiHeadAttention({.embed_dim = 8, .num_heads = 2}).parameters();
  std::map<std::string, std::string> shapes;
  for (const auto& [name, shape] : parameters) shapes[name] = shape.to_string();
  EXPECT_EQ(shapes, (std::map<std::string, std::string>{{"in_proj_weight", "[24, 8]"},
                                                        {"in_proj_bias", "[24]"},
                                                        {"out_proj.weight", "[8, 8]"},
                                                        {"out_proj.bias", "[8]"}}));
}

TEST(MultiHeadAttention, TakesValuesOfAnotherSize) {
  MultiHeadAttention layer({.embed_dim = 8, .num_heads = 2, .bias = false, .vdim = 5});
  layer.load(golden_weights("mha_apart"));
  Inputs all = inputs();
  all["v"] = golden("mha_apart", "v");
  const auto results = run_graph(all, [&](Graph& graph, const auto& in) {
    graph.output("y", layer.write(Scope{graph}, in.at("q"), in.at("k"), in.at("v")));
  });
  EXPECT_LT(difference(results.at("y"), golden("mha_apart", "y")), kClose);
}

TEST(MultiHeadAttention, RefusesHeadsThatDoNotDivide) {
  expect_error(ErrorCode::invalid_argument, "the heads do not divide the channels",
               [] { MultiHeadAttention({.embed_dim = 9, .num_heads = 2}); });
}

template <typename L>
void expect_transformer(L layer, const std::string& name) {
  SCOPED_TRACE(name);
  expect_golden(layer, name);
  const auto results = run_graph(
      {{"x", golden(name, "x")}, {"padding", key_padding()}}, [&](Graph& graph, const auto& in) {
        graph.output("y", layer.write(Scope{graph}, in.at("x"), {.key_padding = in.at("padding")}));
      });
  EXPECT_LT(difference(results.at("y"), golden(name, "masked_y")), kClose);
}

TEST(TransformerEncoderLayer, EqualsPyTorchWithTheNormFirstAndLast) {
  TransformerEncoderLayerOptions options{.d_model = 8, .nhead = 2, .dim_feedforward = 12};
  expect_transformer(TransformerEncoderLayer(options), "transformer");
  options.norm_first = true;
  options.activation = UnaryFunction::gelu;
  expect_transformer(TransformerEncoderLayer(options), "transformer_norm_first");
  expect_transformer(TransformerEncoder(options, 2, true), "transformer_encoder");
}

}  // namespace
}  // namespace metalaudio::nn::layers
